// The loop that looks up the codes of records after they were accepted. Any number of processes may run it; whatever is
// not finished is taken up again, by this one or another.
import { createBell } from '../delivery/bell.js'
import { type CheckDeps, checkRecords } from './check-records.js'

export interface TerminologyChecker {
  start(): void
  /** There may be something new: look now. Cheap, and harmless when there is nothing. */
  wake(): void
  /** Breaks off what is being asked and gives it back; resolves when the look under way is over. */
  stop(): Promise<void>
}

export function createTerminologyChecker(deps: CheckDeps): TerminologyChecker {
  const { busyMs, idleMs } = deps.policy
  const bell = createBell()
  const stopping = new AbortController()
  let loop: Promise<void> | undefined

  /** True when there is more to do at once. */
  async function look(): Promise<boolean> {
    const startedAt = performance.now()
    try {
      const { looked, done, asked } = await checkRecords(deps, stopping.signal)
      const fields = { records: looked, done, asked, duration_ms: Math.round(performance.now() - startedAt) }
      if (asked > 0) deps.log.info(fields, 'terminology.looked')
      return done > 0
    } catch (error) {
      deps.log.warn({ err: error }, 'terminology.look_failed')
      return false
    }
  }

  async function run(): Promise<void> {
    let restMs = busyMs
    while (!stopping.signal.aborted) {
      const isBusy = await look()
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
