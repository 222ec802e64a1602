// The page that builds everything, in order, and releases it last-in first-out. Tests build the very same service.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { uuidv7 } from 'uuidv7'
import { createHistory } from './history/history.js'
import { createHttpServer } from './http/server.js'
import { opsRoutes } from './http/ops-routes.js'
import { createTokenVerifier, type VerifierKeys, type VerifyToken } from './http/token-verifier.js'
import { createDestinationSwitch } from './delivery/pause-destination.js'
import { createRelay } from './delivery/relay.js'
import { createReplays } from './delivery/replay.js'
import { DELIVERY_POLICY } from './delivery/policy.js'
import type { Destination } from './delivery/destination.js'
import { createIngest } from './ingest/ingest.js'
import type { Ingest } from './ingest/submission.js'
import { migrateQueue } from './queue/migrate-queue.js'
import { createQueues, type QueueEngineSettings, type Queues } from './queue/queues.js'
import { createDatabase, type Database } from './storage/database.js'
import { migrate } from './storage/migrate.js'
import { createPool, type DatabaseConnection, type Pool } from './storage/pool.js'
import { createQueuePool } from './storage/queue-pool.js'
import { createDeliveryWorkers } from './worker/delivery-workers.js'
import { PACKAGE_ROOT } from './catalogues.js'
import type { Config } from './config.js'
import { createDestinations, loadDestinationKinds, type DestinationEntry } from './destinations.js'
import type { Log } from './log.js'
import { createReleaseStack, type ReleaseStack } from './release-stack.js'
import { loadRules, type Rules } from './rules.js'

export interface ServiceOptions {
  config: Config
  connection: DatabaseConnection
  destinations: readonly DestinationEntry[]
  /** Who may call; undefined without the api role. */
  auth?: { issuer: string; audience: string; keys: VerifierKeys }
  log: Log
  now?: () => Date
}

export interface Service {
  /** Where the API listens; undefined without the api role. */
  url?: string
  /** Answers what is in flight, finishes or gives back jobs, releases everything. */
  close(): Promise<void>
}

/** Starts the roles that the configuration asks for. @throws Error that says what to mend; nothing is left running */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { log } = options
  const stack = createReleaseStack((part, error) => {
    log.error({ err: error, part }, 'service.release_failed')
  })
  try {
    const url = await build(options, stack)
    return { ...(url === undefined ? {} : { url }), close: () => stack.release() }
  } catch (error) {
    await stack.release()
    throw error
  }
}

interface Parts {
  database: Database
  rules: Rules
  destinations: readonly Destination[]
  queues: Queues
  now: () => Date
  chainId: string
}

async function build(options: ServiceOptions, stack: ReleaseStack): Promise<string | undefined> {
  const { config, log, now = () => new Date() } = options
  const pool = openPool(options, stack)
  const { applied } = await migrate(pool)
  if (applied.length > 0) log.info({ applied }, 'database.migrated')
  const rules = await loadRules()
  const database = createDatabase(pool)
  const destinations = await openDestinations(options, database, now, stack)
  const queues = await openQueues(options, pool, destinations, stack)
  const chainId = uuidv7()
  await database.stores.audit.openChain(chainId, `${hostname()}/${process.pid}`)
  const parts: Parts = { database, rules, destinations, queues, now, chainId }

  const wake = config.roles.has('relay') ? startRelay(parts, log, stack) : () => undefined
  if (config.roles.has('worker')) await startWorkers(parts, config, log, wake, stack)
  return config.roles.has('api') ? startApi(options, parts, wake, stack) : undefined
}

function openPool({ config, connection, log }: ServiceOptions, stack: ReleaseStack): Pool {
  const onError = (error: Error): void => {
    log.warn({ err: error }, 'database.connection_lost')
  }
  const pool = createPool(connection, { maxConnections: config.databaseConnections, onError })
  return stack.add('database pool', pool, () => pool.end())
}

async function openDestinations(
  { destinations: entries }: ServiceOptions,
  { stores }: Database,
  now: () => Date,
  stack: ReleaseStack
): Promise<Destination[]> {
  const services = {
    readEligibilityTotals: stores.events.readTotals,
    now
  }
  const destinations = createDestinations(entries, await loadDestinationKinds(), services)
  for (const destination of destinations) stack.add(destination.name, destination, () => destination.close())
  return destinations
}

async function openQueues(
  { config, connection, log }: ServiceOptions,
  pool: Pool,
  destinations: readonly Destination[],
  stack: ReleaseStack
): Promise<Queues> {
  const engine = await openEngine()
  const queues = createQueues({ engine, destinations: destinations.map(({ name }) => name), log })
  stack.add('queues', queues, () => queues.close(config.shutdownTimeoutMs))
  for (const fault of await queues.check().catch((error: unknown) => [String(error)]))
    log.warn({ engine: engine.kind, fault }, 'queue.settings')
  return queues

  async function openEngine(): Promise<QueueEngineSettings> {
    if (config.redisUrl !== undefined) return { kind: 'redis', url: config.redisUrl }
    await migrateQueue(pool)
    const workers = config.roles.has('worker') ? destinations.length : 0
    const onError = (error: Error): void => {
      log.warn({ err: error }, 'queue.connection_lost')
    }
    const queuePool = createQueuePool(connection, { workers, onError })
    return { kind: 'postgres', pool: stack.add('queue pool', queuePool, () => queuePool.end()) }
  }
}

function startRelay(parts: Parts, log: Log, stack: ReleaseStack): () => void {
  const { database, destinations, queues } = parts
  const relay = createRelay({ database, destinations, queues, policy: DELIVERY_POLICY, log })
  stack.add('relay', relay, () => relay.stop())
  relay.start()
  return () => {
    relay.wake()
  }
}

async function startWorkers(
  parts: Parts,
  config: Config,
  log: Log,
  wake: () => void,
  stack: ReleaseStack
): Promise<void> {
  const { database, destinations, queues } = parts
  const workers = createDeliveryWorkers({
    database,
    destinations,
    queues,
    policy: DELIVERY_POLICY,
    worker: `${hostname()}/${process.pid}`,
    log,
    random: Math.random,
    onPromoted: wake
  })
  stack.add('workers', workers, () => workers.stop(config.shutdownTimeoutMs))
  await workers.start()
}

async function startApi(options: ServiceOptions, parts: Parts, wake: () => void, stack: ReleaseStack): Promise<string> {
  const { config, log } = options
  const { database, queues, rules, now } = parts
  const ingest = stack.add('ingest', openIngest(parts, log, wake), (opened) => opened.close())
  const cursorKey = await database.stores.serviceKeys.findOrKeep('page-link', randomBytes(32))
  const replays = createReplays({
    database,
    destinations: parts.destinations,
    policy: DELIVERY_POLICY,
    now,
    auditChainId: parts.chainId,
    onRequeued: wake
  })
  const switches = createDestinationSwitch({ database, now, auditChainId: parts.chainId })
  const server = createHttpServer({
    ingest,
    history: createHistory({ store: database.stores.history, cursorKey }),
    verifyToken: createVerifier(options),
    health: () => readHealth(database, queues),
    capability: {
      softwareVersion: await readVersion(),
      date: now(),
      experimental: config.development,
      profiles: rules.validator
        .profiles()
        .flatMap(({ type, canonical }) => (type === 'Immunization' ? [canonical] : []))
    },
    limits: { bodyBytes: config.bodyLimitBytes },
    log,
    now,
    opsRoutes: (app) => {
      opsRoutes(app, { ops: database.stores.ops, replays, switches, now })
    }
  })
  stack.add('api', server, (opened) => opened.close())
  return server.listen({ host: config.host, port: config.port })
}

function openIngest({ database, rules, destinations, now, chainId }: Parts, log: Log, wake: () => void): Ingest {
  return createIngest({
    database,
    validator: rules.validator,
    rules,
    destinations,
    now,
    newId: uuidv7,
    auditChainId: chainId,
    onCommitted: wake,
    onFault: (error, requestIds) => {
      log.error({ err: error, request_ids: requestIds }, 'immunization.ingest_failed')
    }
  })
}

function createVerifier({ auth, now = () => new Date() }: ServiceOptions): VerifyToken {
  if (auth === undefined) throw new Error('the api role needs to know whose tokens to accept')
  return createTokenVerifier({ ...auth, now })
}

/** Ready means able to accept: a queue that is away only delays delivery, so it is told and does not count. */
async function readHealth(
  database: Database,
  queues: Queues
): Promise<{ ready: boolean; checks: { name: string; ok: boolean; detail?: string }[] }> {
  const isUp = await database.ping().then(
    () => true,
    () => false
  )
  return {
    ready: isUp,
    checks: [
      { name: 'database', ok: isUp, ...(isUp ? {} : { detail: 'PostgreSQL does not answer' }) },
      {
        name: `queue (${queues.engine})`,
        ok: queues.isReady(),
        ...(queues.isReady() ? {} : { detail: 'records are accepted and kept; they are delivered when it is back' })
      }
    ]
  }
}

/** Public keys named by the configuration. @throws Error naming the variable and the file */
export async function readVerifierKeys(auth: NonNullable<Config['auth']>): Promise<VerifierKeys> {
  if (auth.jwksUrl !== undefined) return { url: new URL(auth.jwksUrl) }
  try {
    return { jwks: JSON.parse(await readFile(auth.jwksFile ?? '', 'utf8')) as { keys: [] } }
  } catch (cause) {
    throw new Error(`AUTH_JWKS_FILE: ${auth.jwksFile ?? ''} cannot be read as a JWKS file`, { cause })
  }
}

async function readVersion(): Promise<string> {
  const text = await readFile(new URL('package.json', PACKAGE_ROOT), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
