// The loop that looks up what a register holds of patients, after their records were accepted. Any number of processes may
// run it; whatever is not finished is taken up again, by this one or another.
import { createBell } from '../delivery/bell.js'
import { lookUp, type LookUpDeps } from './look-up.js'

export interface ElsewhereLoop {
  start(): Promise<void>
  /** There may be something new: look now. */
  wake(): void
  /** Breaks off what is being asked and gives it back; resolves when the look under way is over. */
  stop(): Promise<void>
}

export function createElsewhereLoop(deps: LookUpDeps): ElsewhereLoop {
  const { busyMs, idleMs } = deps.policy
  const bell = createBell()
  const stopping = new AbortController()
  let loop: Promise<void> | undefined

  async function run(): Promise<void> {
    let restMs = busyMs
    while (!stopping.signal.aborted) {
      const done = await lookUp(deps, stopping.signal).catch((error: unknown) => {
        deps.log.warn({ err: error }, 'elsewhere.look_failed')
        return 0
      })
      restMs = done > 0 ? busyMs : Math.min(restMs * 2, idleMs)
      if (done === 0) await bell.wait(restMs)
    }
  }

  return {
    async start() {
      await deps.database.stores.destinations.ensure([deps.register.name])
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
