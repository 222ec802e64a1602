// The page that builds everything, in order, and releases it last-in first-out. Tests build the very same service.
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { uuidv7 } from 'uuidv7'
import { createBlocks } from './dedup/patient-block.js'
import { awaitMoment } from './delivery/await-moment.js'
import type { ConfiguredDestination, DestinationServices } from './delivery/destination.js'
import { DELIVERY_POLICY } from './delivery/policy.js'
import { createInvariantWatch } from './delivery/invariant-watch.js'
import { followLimits } from './delivery/limits.js'
import { createRelay } from './delivery/relay.js'
import { createReplayRunner } from './delivery/replay-runner.js'
import { createVerifier } from './delivery/verify.js'
import { createDatabase, type Database } from './storage/database.js'
import { migrate } from './storage/migrate.js'
import { createPool, type Pool } from './storage/pool.js'
import { createDeliveryWorkers } from './worker/delivery-workers.js'
import type { Config } from './config.js'
import { countLines } from './count-lines.js'
import { createReadTotals } from './eligibility-totals.js'
import { createDestinations, loadDestinationKinds } from './destinations.js'
import { createFleetTally, type FleetTally } from './fleet-tally.js'
import { createHeartbeat } from './heartbeat.js'
import { createLedgerClock, type LedgerClock } from './ledger-clock.js'
import type { Log } from './log.js'
import type { LiveRules } from './live-rules.js'
import { openQueues } from './open-queues.js'
import type { PackageReport } from './profile-packages.js'
import { openLiveRules } from './programme-desk.js'
import { createReleaseStack, type ReleaseStack } from './release-stack.js'
import { loadRules, ruleSourcesOf } from './rules.js'
import type { Parts, ServiceOptions } from './service-parts.js'
import { startApi } from './start-api.js'
import { startElsewhere } from './start-elsewhere.js'
import { startInboxes } from './start-inboxes.js'
import { startTerminology } from './start-terminology.js'

export interface Service {
  /** Where the API listens; undefined without the api role. */
  url?: string
  /** Reads the programme files again (SIGHUP). */
  reload(): Promise<void>
  /** Answers what is in flight, finishes or gives back jobs, releases everything. */
  close(): Promise<void>
}

/** Starts the roles that the configuration asks for. @throws Error that says what to mend; nothing is left running */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { log } = options
  const clock = createLedgerClock(Date.now)
  const stack = createReleaseStack((part, error) => {
    log.error({ err: error, part }, 'service.release_failed')
  })
  try {
    const { url, liveRules } = await build({ now: clock.now, ...options }, clock, stack)
    return {
      ...(url === undefined ? {} : { url }),
      async reload() {
        await liveRules.reload({ cause: 'SIGHUP' })
      },
      close: () => stack.release()
    }
  } catch (error) {
    await stack.release()
    throw error
  }
}

async function build(
  options: ServiceOptions & Pick<Parts, 'now'>,
  clock: LedgerClock,
  stack: ReleaseStack
): Promise<{ url: string | undefined; liveRules: LiveRules }> {
  const { config, log, now, policy = DELIVERY_POLICY } = options
  const pool = openPool(options, stack)
  const { applied } = await migrate(pool)
  if (applied.length > 0) log.info({ applied }, 'database.migrated')
  const sources = ruleSourcesOf(config)
  const loaded = await loadRules(sources)
  if (loaded.packages !== undefined) logPackages(loaded.packages, log)
  const database = createDatabase(pool)
  const chainId = uuidv7()
  await database.stores.audit.openChain(chainId, `${hostname()}/${process.pid}`)
  const liveRules = openLiveRules({ database, now, chainId }, loaded, sources, log)
  stack.add('live rules', liveRules, () => liveRules.stop())
  const readTotals = createReadTotals({ stores: database.stores, rules: liveRules.rules, now })
  const destinations = await openDestinations(options, database, readTotals, stack)
  const queues = await openQueues(options, pool, destinations, stack)
  const blockOf = createBlocks(await database.stores.serviceKeys.findOrKeep('patient-block', randomBytes(32)))
  const tally = createFleetTally()
  const counted = countLines(log, tally)
  const parts: Parts = { database, liveRules, blockOf, destinations, queues, policy, now, chainId, counted }
  await startHeartbeat(options, parts, { pool, tally, clock }, stack)

  const wakeRelay = config.roles.has('relay') ? startRelay(parts, stack) : () => undefined
  if (config.roles.has('worker')) await startWorkers(parts, config, wakeRelay, stack)
  if (config.roles.has('worker')) await startInboxes(parts, log, stack)
  const wakeTerminology = config.roles.has('worker')
    ? await startTerminology(parts, config.terminology, log, stack)
    : () => undefined
  const wakeElsewhere = config.roles.has('worker') ? await startElsewhere(parts, log, stack) : () => undefined
  const wake = (): void => {
    wakeRelay()
    wakeTerminology()
    wakeElsewhere()
  }
  const url = config.roles.has('api') ? await startApi(options, parts, wake, stack) : undefined
  return { url, liveRules }
}

function logPackages(report: PackageReport, log: Log): void {
  const { uncheckedExpressions, ...loaded } = report
  log.info(loaded, 'profiles.packages_loaded')
  if (uncheckedExpressions.length === 0) return
  log.warn({ expressions: uncheckedExpressions }, 'profiles.invariants_unchecked')
}

function openPool({ config, connection, log }: ServiceOptions, stack: ReleaseStack): Pool {
  const onError = (error: Error): void => {
    log.warn({ err: error }, 'database.connection_lost')
  }
  const pool = createPool(connection, { maxConnections: config.databaseConnections, onError })
  return stack.add('database pool', pool, () => pool.end())
}

async function openDestinations(
  { destinations: entries, now }: ServiceOptions & Pick<Parts, 'now'>,
  { stores }: Database,
  readEligibilityTotals: DestinationServices['readEligibilityTotals'],
  stack: ReleaseStack
): Promise<ConfiguredDestination[]> {
  const services = {
    readEligibilityTotals,
    now,
    accessTokens: stores.accessTokens,
    awaitMoment: (destination: string, ratePerSecond: number, signal: AbortSignal) =>
      awaitMoment(stores.destinations, destination, ratePerSecond, signal)
  }
  const destinations = createDestinations(entries, await loadDestinationKinds(), services)
  for (const destination of destinations) stack.add(destination.name, destination, () => destination.close())
  return destinations
}

async function startHeartbeat(
  { config, log }: ServiceOptions,
  { database }: Parts,
  { pool, tally, clock }: { pool: Pool; tally: FleetTally; clock: LedgerClock },
  stack: ReleaseStack
): Promise<void> {
  const heartbeat = createHeartbeat({
    store: database.stores.processes,
    tally,
    processId: uuidv7(),
    name: `${hostname()}/${process.pid}`,
    roles: [...config.roles],
    readPool: () => pool,
    log,
    clock: Date.now,
    onSkew: clock.tell
  })
  stack.add('heartbeat', heartbeat, () => heartbeat.stop())
  await heartbeat.start()
}

function startRelay(parts: Parts, stack: ReleaseStack): () => void {
  const { database, destinations, queues, policy, counted: log, now, chainId: auditChainId } = parts
  const replays = createReplayRunner({ database, destinations, policy, now, auditChainId, log })
  const relay = createRelay({ database, destinations, queues, replays, policy, log })
  stack.add('relay', relay, () => relay.stop())
  relay.start()
  const watch = createInvariantWatch({ database, verifier: createVerifier(parts), log, now })
  stack.add('invariant watch', watch, () => watch.stop())
  watch.start()
  return () => {
    relay.wake()
  }
}

async function startWorkers(parts: Parts, config: Config, wake: () => void, stack: ReleaseStack): Promise<void> {
  const { database, queues, policy, counted: log } = parts
  const limits = followLimits(parts.destinations, database)
  stack.add('limits', limits, () => {
    limits.stop()
  })
  const workers = createDeliveryWorkers({
    database,
    destinations: limits.destinations,
    queues,
    policy,
    worker: `${hostname()}/${process.pid}`,
    log,
    random: Math.random,
    onPromoted: wake
  })
  stack.add('workers', workers, () => workers.stop(config.shutdownTimeoutMs))
  await workers.start()
}
