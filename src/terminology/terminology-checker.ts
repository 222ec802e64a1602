// The loop that looks up the codes of records after they were accepted.
import { createLookLoop, type LookLoop } from '../delivery/look-loop.js'
import { type CheckDeps, checkRecords } from './check-records.js'

export function createTerminologyChecker(deps: CheckDeps): LookLoop {
  return createLookLoop(deps.policy, async (stop) => {
    const startedAt = performance.now()
    try {
      const { looked, done, asked } = await checkRecords(deps, stop)
      const fields = { records: looked, done, asked, duration_ms: Math.round(performance.now() - startedAt) }
      if (asked > 0) deps.log.info(fields, 'terminology.looked')
      return done > 0
    } catch (error) {
      deps.log.warn({ err: error }, 'terminology.look_failed')
      return false
    }
  })
}
