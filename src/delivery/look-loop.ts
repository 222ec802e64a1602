// A loop that looks for work: again at once while there is some, else after a rest that grows, or when it is woken. Any
// number of processes may run it; whatever is not finished is taken up again, by this one or another.
import { createBell } from './bell.js'

export interface LookLoop {
  start(): void
  /** There may be something new: look now. Cheap, and harmless when there is nothing. */
  wake(): void
  /** Breaks off what is being asked and gives it back; resolves when the look under way is over. */
  stop(): Promise<void>
}

/** `look` tells whether something was done, in which case there may be more; it never rejects. */
export function createLookLoop(
  { busyMs, idleMs }: { busyMs: number; idleMs: number },
  look: (stop: AbortSignal) => Promise<boolean>
): LookLoop {
  const bell = createBell()
  const stopping = new AbortController()
  let loop: Promise<void> | undefined

  async function run(): Promise<void> {
    let restMs = busyMs
    while (!stopping.signal.aborted) {
      const isBusy = await look(stopping.signal)
      restMs = isBusy ? busyMs : Math.min(restMs * 2, idleMs)
      if (!isBusy) await bell.wait(restMs)
    }
  }

  return {
    start() {
      loop ??= run()
    },
    wake() {
      bell.ring()
    },
    async stop() {
      stopping.abort()
      bell.ring()
      await loop
    }
  }
}
