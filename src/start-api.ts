// The api role: the accepting use case, the history and the operations behind one HTTP server.
import { readFile } from 'node:fs/promises'
import { uuidv7 } from 'uuidv7'
import { createInboxDesk } from './delivery/inbox/inbox-desk.js'
import { createDestinationSwitch, type DestinationSwitch } from './delivery/pause-destination.js'
import { createReplays, type Replays } from './delivery/replay.js'
import type { Capability } from './http/capability-statement.js'
import { opsRoutes } from './http/ops-routes.js'
import { createHttpServer } from './http/server.js'
import type { SmartSettings } from './http/smart-configuration.js'
import { createTokenVerifier, type VerifyToken } from './http/token-verifier.js'
import { createIngest, type IngestDeps } from './ingest/ingest.js'
import type { ProgrammeVerdict } from './ingest/judge.js'
import { createPreview, type Preview } from './ingest/preview.js'
import type { Ingest } from './ingest/submission.js'
import { createDuplicateReviews, type DuplicateReviews } from './review/duplicate-reviews.js'
import { createPatientMerges, type PatientMerges } from './review/patient-merges.js'
import type { Queues } from './queue/queues.js'
import type { Database } from './storage/database.js'
import { PACKAGE_ROOT } from './catalogues.js'
import type { Config } from './config.js'
import { createCrowdAlarm } from './crowd-alarm.js'
import type { RulesStatus } from './live-rules.js'
import type { Log } from './log.js'
import { createMetrics } from './metrics.js'
import { createFleetMetrics } from './fleet-metrics.js'
import { openBundles } from './open-bundles.js'
import { openOpsDesk } from './open-ops-desk.js'
import { openReading } from './open-reading.js'
import { createProgrammeDesk } from './programme-desk.js'
import { describeRules } from './rules.js'
import type { ReleaseStack } from './release-stack.js'
import type { Parts, ServiceOptions } from './service-parts.js'
import { openKnownTerminology } from './start-terminology.js'
import { createSupersededLog } from './superseded-log.js'
import { createWeightsDesk } from './weights-desk.js'

/** Resolves with the URL once it listens. `wake` tells a relay of this process that deliveries were made. */
export async function startApi(
  options: ServiceOptions,
  parts: Parts,
  wake: () => void,
  stack: ReleaseStack
): Promise<string> {
  const { config, log } = options
  const { database, queues, liveRules, now } = parts
  const metrics = createMetrics(() => liveRules.status(), database.stores.ops, createFleetMetrics({ database, queues }))
  const onJudged = (verdict: ProgrammeVerdict): void => {
    metrics.countShadow(verdict)
  }
  const onCrowded = createCrowdAlarm(metrics, log)
  const onSuperseded = createSupersededLog(parts.counted)
  const told = { onJudged, onCrowded, onSuperseded }
  const ingest = stack.add('ingest', openIngest(parts, config, { ...told, onCommitted: wake }, log), (opened) =>
    opened.close()
  )
  const preview = stack.add('preview', openPreview(parts, config), (opened) => opened.close())
  const reading = await openReading(parts, log, stack)
  const { bundles, worker } = openBundles(
    parts,
    { ingest, preview, ...reading, config, base: () => server.base(), wake, ...told },
    log,
    stack
  )
  const desk = await openOpsDesk(options, parts, () => server.base())
  const server = createHttpServer({
    ingest,
    preview,
    ...reading,
    rules: liveRules.rules,
    bundles,
    smart: smartSettings(options),
    verifyToken: createVerifier(options, parts),
    health: () => readHealth(database, queues, liveRules.status()),
    metrics: () => metrics.read(),
    capability: await describeCapability(parts, config),
    limits: { bodyBytes: config.bodyLimitBytes },
    ...(config.baseUrl === undefined ? {} : { baseUrl: config.baseUrl }),
    log: parts.counted,
    now,
    opsRoutes: (app) => {
      opsRoutes(app, {
        ops: database.stores.ops,
        ...openDeliveryOps(parts, wake),
        inboxes: createInboxDesk({ database, now, auditChainId: parts.chainId }),
        ...desk,
        ...openReview(parts, wake),
        weights: createWeightsDesk(liveRules, parts),
        programmes: createProgrammeDesk(liveRules, parts),
        now
      })
    }
  })
  stack.add('api', server, (opened) => opened.close())
  const url = await server.listen({ host: config.host, port: config.port })
  // Its answers name where this process is reached.
  worker.start()
  return url
}

async function describeCapability({ liveRules, now }: Parts, { development }: Config): Promise<Capability> {
  return {
    softwareVersion: await readVersion(),
    date: now(),
    experimental: development,
    ruleSet: () => describeRules(liveRules.rules),
    profiles: liveRules.rules.validator
      .profiles()
      .flatMap(({ type, canonical }) => (type === 'Immunization' ? [canonical] : []))
  }
}

function openDeliveryOps(parts: Parts, onRequeued: () => void): { replays: Replays; switches: DestinationSwitch } {
  const { database, destinations, policy, now, chainId: auditChainId } = parts
  return {
    replays: createReplays({ database, destinations, policy, now, auditChainId, onRequeued }),
    switches: createDestinationSwitch({ database, now, auditChainId })
  }
}

function openIngest(
  { database, liveRules, blockOf, destinations, now, chainId }: Parts,
  { terminology }: Config,
  told: Pick<IngestDeps, 'onJudged' | 'onCrowded' | 'onSuperseded' | 'onCommitted'>,
  log: Log
): Ingest {
  return createIngest({
    database,
    judges: liveRules.rules,
    rules: liveRules.rules,
    blockOf,
    destinations,
    now,
    newId: uuidv7,
    asksTerminology: terminology !== undefined,
    auditChainId: chainId,
    ...told,
    onFault: (error, requestIds) => {
      log.error({ err: error, request_ids: requestIds }, 'immunization.ingest_failed')
    }
  })
}

function openReview(
  { database, liveRules: { rules }, destinations, now, chainId: auditChainId }: Parts,
  onCommitted: () => void
): { patients: PatientMerges; duplicates: DuplicateReviews } {
  const deps = { database, rules, destinations, now, newId: uuidv7, auditChainId, onCommitted }
  return { patients: createPatientMerges(deps), duplicates: createDuplicateReviews(deps) }
}

function openPreview(parts: Parts, { terminology }: Config): Preview {
  const { database, liveRules, blockOf, destinations, now } = parts
  return createPreview({
    database,
    judges: liveRules.rules,
    rules: liveRules.rules,
    blockOf,
    destinations,
    now,
    newId: uuidv7,
    ...(terminology === undefined ? {} : { tellKnown: openKnownTerminology(parts) })
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

function createVerifier({ auth }: ServiceOptions, { now }: Parts): VerifyToken {
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
  return (JSON.parse(await readFile(new URL('package.json', PACKAGE_ROOT), 'utf8')) as { version: string }).version
}
