// The api role: the accepting use case, the history and the operations behind one HTTP server.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { uuidv7 } from 'uuidv7'
import { createDestinationSwitch } from './delivery/pause-destination.js'
import { DELIVERY_POLICY } from './delivery/policy.js'
import { createReplays } from './delivery/replay.js'
import { createHistory } from './history/history.js'
import { opsRoutes } from './http/ops-routes.js'
import { createHttpServer } from './http/server.js'
import { createTokenVerifier, type VerifyToken } from './http/token-verifier.js'
import { createIngest } from './ingest/ingest.js'
import { createPreview, type Preview } from './ingest/preview.js'
import type { Ingest } from './ingest/submission.js'
import { createPatientMerges, type PatientMerges } from './review/patient-merges.js'
import type { Queues } from './queue/queues.js'
import type { Database } from './storage/database.js'
import { PACKAGE_ROOT } from './catalogues.js'
import type { RulesStatus } from './live-rules.js'
import type { Log } from './log.js'
import { createMetrics, type Metrics } from './metrics.js'
import { createProgrammeDesk } from './programme-desk.js'
import type { ReleaseStack } from './release-stack.js'
import type { Parts, ServiceOptions } from './service-parts.js'

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
  const ingest = stack.add('ingest', openIngest(parts, metrics, log, wake), (opened) => opened.close())
  const preview = stack.add('preview', openPreview(parts), (opened) => opened.close())
  const cursorKey = await database.stores.serviceKeys.findOrKeep('page-link', randomBytes(32))
  const replays = createReplays({
    database,
    destinations: parts.destinations,
    policy: DELIVERY_POLICY,
    now,
    auditChainId: parts.chainId,
    onRequeued: wake
  })
  const patients = openPatientMerges(parts, wake)
  const switches = createDestinationSwitch({ database, now, auditChainId: parts.chainId })
  const server = createHttpServer({
    ingest,
    preview,
    history: createHistory({ store: database.stores.history, cursorKey }),
    verifyToken: createVerifier(options),
    health: () => readHealth(database, queues, liveRules.status()),
    metrics: () => metrics.read(),
    capability: {
      softwareVersion: await readVersion(),
      date: now(),
      experimental: config.development,
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
        patients,
        programmes: createProgrammeDesk(liveRules, parts),
        now
      })
    }
  })
  stack.add('api', server, (opened) => opened.close())
  return server.listen({ host: config.host, port: config.port })
}

function openIngest(parts: Parts, metrics: Metrics, log: Log, wake: () => void): Ingest {
  const { database, liveRules, destinations, now, chainId } = parts
  return createIngest({
    database,
    judges: liveRules.rules,
    rules: liveRules.rules,
    destinations,
    now,
    newId: uuidv7,
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

function openPatientMerges(
  { database, liveRules: { rules }, destinations, now, chainId }: Parts,
  wake: () => void
): PatientMerges {
  return createPatientMerges({
    database,
    rules,
    destinations,
    now,
    newId: uuidv7,
    auditChainId: chainId,
    onCommitted: wake
  })
}

function openPreview({ database, liveRules: { rules }, destinations, now }: Parts): Preview {
  return createPreview({ database, judges: rules, rules, destinations, now, newId: uuidv7 })
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
