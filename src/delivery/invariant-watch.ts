// Looks every minute whether what must be true still is. Any number of relays may run it: one of them looks.
import type { Log } from '../queue/log.js'
import type { Database } from '../storage/database.js'
import { createBell } from './bell.js'
import type { Verifier } from './verify.js'

export interface InvariantWatch {
  start(): void
  /** Resolves when the look under way is over. */
  stop(): Promise<void>
}

const EVERY_SECONDS = 60
/** Beyond the time between two looks, so that nothing falls between them. */
const LOOK_BACK_MS = 15 * 60_000
/** A process that nobody has heard of for a day was not stopped as it should be, and nobody misses it any more. */
const FORGET_AFTER_SECONDS = 24 * 3_600

export function createInvariantWatch(deps: {
  database: Database
  verifier: Pick<Verifier, 'checkInvariants'>
  log: Log
  now: () => Date
  everySeconds?: number
}): InvariantWatch {
  const { database, verifier, log, everySeconds = EVERY_SECONDS } = deps
  const { ops, processes } = database.stores
  const bell = createBell()
  let isStopped = false
  let loop: Promise<void> | undefined

  const look = async (): Promise<void> => {
    if (!(await ops.claimInvariantCheck(everySeconds))) return
    const rules = await verifier.checkInvariants(new Date(deps.now().getTime() - LOOK_BACK_MS))
    await ops.keepViolations(rules.map(({ id, ids }) => ({ id, ids })))
    await processes.removeSilent(FORGET_AFTER_SECONDS)
    for (const { id, title, of, ids } of rules)
      if (ids.length > 0)
        log.error(
          { invariant: id, title, of, violations: ids.length, ids: ids.slice(0, 5) },
          'delivery.invariant_broken'
        )
  }
  const run = async (): Promise<void> => {
    while (!isStopped) {
      await look().catch((error: unknown) => {
        log.warn({ err: error }, 'delivery.invariants_unchecked')
      })
      await bell.wait(everySeconds * 1_000)
    }
  }
  return {
    start() {
      loop ??= run()
    },
    async stop() {
      isStopped = true
      bell.ring()
      await loop
    }
  }
}
