// The loop that rings for every delivery whose moment has come and that nobody rang for, and that sweeps up after the
// dead. Any number of processes may run it.
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../queue/log.js'
import type { Queues } from '../queue/queues.js'
import type { Database } from '../storage/database.js'
import { createBell } from './bell.js'
import type { Destination } from './destination.js'
import type { DeliveryPolicy } from './policy.js'
import { checkQueueEpoch } from './queue-epoch.js'
import type { ReplayRunner } from './replay-runner.js'
import { createRinger } from './ringer.js'
import { createSweeper } from './sweeper.js'

export interface Relay {
  start(): void
  /** There is something new: look now. Cheap, and harmless when there is nothing. */
  wake(): void
  /** Resolves when the look under way is over. */
  stop(): Promise<void>
}

export interface RelayDeps {
  database: Database
  queues: Queues
  destinations: readonly Pick<Destination, 'name' | 'concurrency'>[]
  /** Releases what people send again. */
  replays: ReplayRunner
  policy: Pick<DeliveryPolicy, 'ring' | 'relay' | 'retry' | 'replay'>
  log: Log
}

/** Keys of writes that one sweep removes: more than a minute brings, little enough not to be felt. */
const KEYS_AT_ONCE = 20_000

/** Gives how many deliveries it rang for. */
type Duty = () => Promise<number>

export function createRelay(deps: RelayDeps): Relay {
  const { busyMs, idleMs, gatherMs } = deps.policy.relay
  const duties = planDuties(deps)
  const bell = createBell()
  let isStopped = false
  let loop: Promise<void> | undefined

  const run = async (): Promise<void> => {
    let restMs = busyMs
    while (!isStopped) {
      let rung = 0
      for (const duty of duties) rung += await duty()
      restMs = rung > 0 ? busyMs : Math.min(restMs * 2, idleMs)
      if (rung > 0) await delay(gatherMs)
      await bell.wait(restMs)
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
      isStopped = true
      bell.ring()
      await loop
    }
  }
}

function planDuties(deps: RelayDeps): Duty[] {
  const { database, destinations, replays } = deps
  const { sweepMs, epochMs, repairMs, keysMs } = deps.policy.relay
  const ringer = createRinger(deps)
  const sweeper = createSweeper(deps)
  const silently = (work: () => Promise<unknown>) => async (): Promise<number> => {
    await work()
    return 0
  }
  const ensureRows = (): Promise<void> =>
    database.stores.destinations.ensure(destinations.map((destination) => destination.name))
  return [
    every(Infinity, 'destinations', silently(ensureRows), deps),
    every(
      epochMs,
      'epoch',
      silently(() => checkQueueEpoch(deps)),
      deps
    ),
    every(
      sweepMs,
      'leases',
      silently(() => sweeper.sweepLeases()),
      deps
    ),
    every(
      sweepMs,
      'replays',
      silently(() => replays.settle()),
      deps
    ),
    every(
      repairMs,
      'repair',
      silently(() => sweeper.repair()),
      deps
    ),
    every(
      keysMs,
      'keys',
      silently(() => database.stores.idempotency.removeExpired(KEYS_AT_ONCE)),
      deps
    ),
    every(sweepMs, 'probes', () => ringer.ringProbes(), deps),
    every(deps.policy.replay.releaseMs, 'releases', () => replays.release(), deps),
    every(0, 'ring', () => ringer.ringDue(), deps)
  ]
}

/** A duty that fails is logged, does not keep the others from theirs, and comes again after a pause. */
function every(periodMs: number, name: string, work: Duty, { log, policy }: RelayDeps): Duty {
  let nextAt = 0
  return async () => {
    if (performance.now() < nextAt) return 0
    try {
      const rung = await work()
      nextAt = performance.now() + periodMs
      return rung
    } catch (error) {
      nextAt = performance.now() + policy.relay.faultPauseMs
      log.warn({ duty: name, err: error }, 'relay.duty_failed')
      return 0
    }
  }
}
