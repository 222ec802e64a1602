// The api role: the accepting use case, the history and the operations behind one HTTP server.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { uuidv7 } from 'uuidv7'
import { createDestinationSwitch } from './delivery/pause-destination.js'
import { DELIVERY_POLICY } from './delivery/policy.js'
import { createReplays } from './delivery/replay.js'
import { createCursors } from './history/cursor.js'
import { createHistory } from './history/history.js'
import { createImmunizationStatus } from './history/immunization-status.js'
import { createReadAudit, type ReadAudit, type ReadNote } from './history/read-audit.js'
import { createServed } from './history/served.js'
import { opsRoutes } from './http/ops-routes.js'
import { createHttpServer, type HttpServerDeps } from './http/server.js'
import type { SmartSettings } from './http/smart-configuration.js'
import { createTokenVerifier, type VerifyToken } from './http/token-verifier.js'
import { createIngest } from './ingest/ingest.js'
import { createPreview, type Preview } from './ingest/preview.js'
import type { Ingest } from './ingest/submission.js'
import type { Queues } from './queue/queues.js'
import type { Database } from './storage/database.js'
import { PACKAGE_ROOT } from './catalogues.js'
import type { Config } from './config.js'
import type { RulesStatus } from './live-rules.js'
import type { Log } from './log.js'
import { createMetrics, type Metrics } from './metrics.js'
import { createProgrammeDesk } from './programme-desk.js'
import { describeRules } from './rules.js'
import type { ReleaseStack } from './release-stack.js'
import type { Parts, ServiceOptions } from './service-parts.js'
import { openKnownTerminology } from './start-terminology.js'

/** Resolves with the URL once it listens. `wake` tells a relay of this process that deliveries were made. */
export async function startApi(
  options: ServiceOptions,
  parts: Parts,
  wake: () => void,
  stack: ReleaseStack
): Promise<string> {
  const { config, log } = options
  const { database, queues, liveRules, now } = parts
  const metrics = createMetrics(() => liveRules.status())
  const ingest = stack.add('ingest', openIngest(parts, config, metrics, log, wake), (opened) => opened.close())
  const preview = stack.add('preview', openPreview(parts, config), (opened) => opened.close())
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
    preview,
    ...(await openReading(parts, log, stack)),
    rules: liveRules.rules,
    smart: smartSettings(options),
    verifyToken: createVerifier(options),
    health: () => readHealth(database, queues, liveRules.status()),
    metrics: () => metrics.read(),
    capability: {
      softwareVersion: await readVersion(),
      date: now(),
      experimental: config.development,
      ruleSet: () => describeRules(liveRules.rules),
      profiles: liveRules.rules.validator
        .profiles()
        .flatMap(({ type, canonical }) => (type === 'Immunization' ? [canonical] : []))
    },
    limits: { bodyBytes: config.bodyLimitBytes },
    ...(config.baseUrl === undefined ? {} : { baseUrl: config.baseUrl }),
    log,
    now,
    opsRoutes: (app) => {
      opsRoutes(app, {
        ops: database.stores.ops,
        replays,
        switches,
        programmes: createProgrammeDesk(liveRules, parts),
        now
      })
    }
  })
  stack.add('api', server, (opened) => opened.close())
  return server.listen({ host: config.host, port: config.port })
}

function openIngest(
  { database, liveRules, destinations, now, chainId }: Parts,
  { terminology }: Config,
  metrics: Metrics,
  log: Log,
  wake: () => void
): Ingest {
  return createIngest({
    database,
    judges: liveRules.rules,
    rules: liveRules.rules,
    destinations,
    now,
    newId: uuidv7,
    asksTerminology: terminology !== undefined,
    auditChainId: chainId,
    onCommitted: wake,
    onJudged: (verdict) => {
      metrics.countShadow(verdict)
    },
    onFault: (error, requestIds) => {
      log.error({ err: error, request_ids: requestIds }, 'immunization.ingest_failed')
    }
  })
}

function openPreview(parts: Parts, { terminology }: Config): Preview {
  const { database, liveRules, destinations, now } = parts
  return createPreview({
    database,
    judges: liveRules.rules,
    rules: liveRules.rules,
    destinations,
    now,
    newId: uuidv7,
    ...(terminology === undefined ? {} : { tellKnown: openKnownTerminology(parts) })
  })
}

/** Whatever is read is noted in the audit trail. */
async function openReading(
  parts: Parts,
  log: Log,
  stack: ReleaseStack
): Promise<Pick<HttpServerDeps, 'history' | 'status' | 'served' | 'cursors'>> {
  const { stores } = parts.database
  const cursorKey = await stores.serviceKeys.findOrKeep('page-link', randomBytes(32))
  const audit = stack.add('audit of reads', await openReadAudit(parts, log), (opened) => opened.close())
  const cursors = createCursors(cursorKey)
  const note = (read: ReadNote): void => {
    audit.note(read)
  }
  return {
    history: createHistory({ store: stores.history, cursorKey, note }),
    status: createImmunizationStatus({ store: stores.history, rules: parts.liveRules.rules, note }),
    served: createServed({ stores: stores.served, cursors, note }),
    cursors
  }
}

/** Reads have a chain of their own: what is accepted does not wait for it. */
async function openReadAudit({ database, now }: Parts, log: Log): Promise<ReadAudit> {
  const chainId = uuidv7()
  await database.stores.audit.openChain(chainId, `${hostname()}/${process.pid} reads`)
  return createReadAudit({
    store: database.stores.audit,
    chainId,
    now,
    onFault: (error, waiting) => {
      log.error({ err: error, waiting }, 'audit.reads_not_written')
    }
  })
}

function smartSettings({ auth, config: { tokenUrl } }: ServiceOptions): SmartSettings {
  if (auth === undefined) throw new Error('the api role needs to know whose tokens to accept')
  return {
    issuer: auth.issuer,
    ...(tokenUrl === undefined ? {} : { tokenEndpoint: tokenUrl }),
    ...('url' in auth.keys ? { jwksUri: auth.keys.url.href } : {})
  }
}

function createVerifier({ auth, now = () => new Date() }: ServiceOptions): VerifyToken {
  if (auth === undefined) throw new Error('the api role needs to know whose tokens to accept')
  return createTokenVerifier({ ...auth, now })
}

/** Ready means able to accept: a queue that is away only delays delivery, so it is told and does not count. */
async function readHealth(
  database: Database,
  queues: Queues,
  { fault }: RulesStatus
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
      },
      {
        name: 'programmes',
        ok: fault === undefined,
        ...(fault === undefined
          ? {}
          : { detail: `the last good set is in force; ${fault.message.split('\n', 1).join('')}` })
      }
    ]
  }
}

async function readVersion(): Promise<string> {
  const text = await readFile(new URL('package.json', PACKAGE_ROOT), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
