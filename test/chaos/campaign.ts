// One campaign: real processes of the service on a PostgreSQL and a Redis of its own, suppliers, faults by a seed, and
// then the question whether everything that was acknowledged has arrived, once and in order.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createDevelopmentIssuer } from '../../src/http/development-issuer.js'
import { ALL_SCOPES } from '../../src/fhir/caller.js'
import { createReleaseStack, type ReleaseStack } from '../../src/release-stack.js'
import { createPool } from '../../src/storage/pool.js'
import { freePort } from '../support/free-port.js'
import { openOwnRedis } from '../support/redis.js'
import { waitFor } from '../support/wait-for.js'
import { CLOCK_FAULT, planClocks } from './clocks.js'
import { dropLanes, faultsOf, policyUnder, type Control } from './controls.js'
import { openCrashablePostgres } from './crashable-postgres.js'
import { inflict } from './inflict.js'
import { countCrashes, countDoubtfulAttempts, countUnfinished, findBrokenInvariants } from './invariants.js'
import { judgeDestinations, type Verdict } from './judge.js'
import { createOperator } from './operator.js'
import { nameFault, planFaults, type PlanOptions } from './plan-faults.js'
import { startFleet } from './processes.js'
import type { Profile } from './profiles.js'
import { openReceivers, type Receivers } from './receivers.js'
import { patientOf } from './supplier-record.js'
import { openSupplierLines } from './supplier-lines.js'
import { startSuppliers, type Suppliers } from './suppliers.js'

export interface CampaignOptions extends Omit<PlanOptions, 'profile'> {
  profile: Profile
  /** What is switched off, so that the campaign must find losses. */
  control?: Control
  onProgress: (line: string) => void
}

export interface CampaignReport {
  options: { seed: number; minutes: number; engine: string; processes: Record<string, number>; control?: Control }
  faults: Record<string, number>
  writes: ReturnType<Suppliers['statistics']> & { records: number }
  destinations: (Omit<Verdict, 'missing' | 'misordered'> & {
    missing: number
    misordered: number
    duplicatesAllowed: number
  })[]
  replayed: number
  /** Undefined when it was not drained in time. */
  drainedInSeconds?: number
  /** Empty when every promise was kept. */
  violations: string[]
}

/** Longer than a healthy service takes after the hardest minute. */
const CONTROL_DRAIN_MS = 90_000

/** @throws Error when the campaign itself cannot be run, for example without a redis-server */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const folder = mkdtempSync(path.join(tmpdir(), 'imms-chaos-'))
  // PostgreSQL runs under another account when we are root, and must get through.
  chmodSync(folder, 0o755)
  const stack = createReleaseStack((part, error) => {
    options.onProgress(`${part} could not be ended: ${String(error)}`)
  })
  stack.add('folder', folder, () => {
    rmSync(folder, { recursive: true, force: true })
  })
  try {
    return await run(options, folder, stack)
  } finally {
    await stack.release()
  }
}

async function run(options: CampaignOptions, folder: string, stack: ReleaseStack): Promise<CampaignReport> {
  const { profile, counts, durationMs, control, onProgress } = options
  const scene = await setUp(options, folder, stack)
  const { fleet, receivers, suppliers, pool, operator } = scene
  const wrongClocks = Object.keys(scene.clocks).length
  const faults: Record<string, number> = wrongClocks === 0 ? {} : { [CLOCK_FAULT]: wrongClocks }
  const plan = [...planFaults(options), ...faultsOf(control, options)].sort((a, b) => a.atMs - b.atMs)
  onProgress(`${plan.length} faults planned by seed ${options.seed}`)
  await waitFor(() => suppliers.statistics().acknowledged > 0, 'a first write to be acknowledged', { withinMs: 60_000 })
  const began = performance.now()
  const seconds = (): number => Math.round((performance.now() - began) / 1_000)
  const keeping = keepJournal(receivers)
  await inflict(plan, scene, (fault, isDone) => {
    const name = isDone ? nameFault(fault) : `left out: ${nameFault(fault)}`
    faults[name] = (faults[name] ?? 0) + 1
    onProgress(`${seconds()} s: ${name}; ${suppliers.statistics().acknowledged} writes acknowledged`)
  })
  await delay(Math.max(durationMs - (performance.now() - began), 0))
  await keeping.stop()

  const ended = performance.now()
  // What a control has lost never comes.
  const drainWithinMs =
    control === undefined ? profile.drainWithinMs : Math.min(profile.drainWithinMs, CONTROL_DRAIN_MS)
  const drainedWithinMs = (): number => drainWithinMs - (performance.now() - ended)
  onProgress(`${seconds()} s: the faults are over`)
  await operator.resumeAll()
  await suppliers.stop(profile.drainWithinMs)
  const verdictNow = async (): Promise<Verdict[]> => judgeDestinations(await gather(suppliers, receivers))
  let replayed = 0
  let isDrained = false
  // With nothing unfinished nothing more will come: what is missing then is lost.
  let isAtRest = false
  while (!isAtRest && drainedWithinMs() > 0) {
    await delay(500)
    replayed += await operator.replayHeld()
    const unfinished = await countUnfinished(pool)
    const missing = (await verdictNow()).reduce((sum, verdict) => sum + verdict.missing.length, 0)
    isAtRest = Object.keys(unfinished).length === 0
    isDrained = isAtRest && missing === 0
    onProgress(`${seconds()} s: ${missing} missing; ${JSON.stringify(unfinished)}`)
  }
  const drainedInSeconds = Math.round((performance.now() - ended) / 1_000)
  const crashes = profile.isDeployment ? await countCrashes(pool) : 0
  const doubtful = profile.isDeployment ? new Map<string, number>() : await countDoubtfulAttempts(pool)
  const verdicts = await verdictNow()
  const violations = [
    ...suppliers.faults(),
    ...(isDrained
      ? []
      : [isAtRest ? 'at rest, and not everything arrived' : `not drained within ${drainWithinMs / 1_000} s`]),
    ...verdicts.flatMap((verdict) => violationsOf(verdict, doubtful.get(verdict.destination) ?? 0)),
    ...(crashes > 0 ? [`${crashes} attempts were not brought to an end`] : []),
    ...(await findBrokenInvariants(pool)),
    ...fleet.faults()
  ]
  await fleet.stop()
  const logged = new Set(fleet.written().match(/\b\d{10}\b/g))
  const told = suppliers.records().filter(({ nhsNumber }) => logged.has(nhsNumber))
  if (told.length > 0) violations.push(`the NHS numbers of ${told.length} records stand in the log`)
  return {
    options: {
      seed: options.seed,
      minutes: durationMs / 60_000,
      engine: options.engine,
      processes: counts,
      ...(options.control === undefined ? {} : { control: options.control })
    },
    faults,
    writes: { records: suppliers.records().length, ...suppliers.statistics() },
    destinations: verdicts.map(({ missing, misordered, ...verdict }) => ({
      ...verdict,
      missing: missing.length,
      misordered: misordered.length,
      duplicatesAllowed: doubtful.get(verdict.destination) ?? 0
    })),
    replayed,
    ...(isDrained ? { drainedInSeconds } : {}),
    violations
  }
}

async function setUp(options: CampaignOptions, folder: string, stack: ReleaseStack) {
  const { profile, counts, engine, seed, control } = options
  const postgres = await openCrashablePostgres(folder)
  stack.add('PostgreSQL', postgres, () => postgres.stop())
  const redis = engine === 'redis' ? await openOwnRedis() : undefined
  if (redis !== undefined) stack.add('Redis', redis, () => redis.close())
  if (engine === 'redis' && redis === undefined) throw new Error('no redis-server is on PATH')

  const patients = Math.ceil((options.durationMs / 1_000) * profile.perSecond)
  const persons = Array.from({ length: patients }, (_, index) => patientOf(index * 2).nhsNumber)
  const receivers = await openReceivers(profile, persons)
  stack.add('receivers', receivers, () => receivers.close())

  const issuer = await createDevelopmentIssuer({ keyFile: path.join(folder, 'key.json'), now: () => new Date() })
  const write = (name: string, content: object): string => {
    writeFileSync(path.join(folder, name), JSON.stringify(content))
    return path.join(folder, name)
  }
  const ports = await Promise.all(Array.from({ length: counts.api }, freePort))
  const policy = policyUnder(control, profile.policy)
  const clocks = profile.isDeployment || control !== undefined ? {} : planClocks(seed, counts)
  const fleet = await startFleet({
    folder,
    counts,
    ports,
    clocks,
    ...(policy === undefined ? {} : { policy }),
    env: {
      DATABASE_URL: postgres.url,
      DESTINATIONS_FILE: write('destinations.yaml', { destinations: receivers.entries }),
      AUTH_ISSUER: issuer.issuer,
      AUTH_AUDIENCE: issuer.audience,
      AUTH_JWKS_FILE: write('jwks.json', issuer.jwks),
      HOST: '127.0.0.1',
      DATABASE_CONNECTIONS: '8',
      ...(redis === undefined ? {} : { REDIS_URL: redis.url })
    }
  })
  stack.add('processes', fleet, () => fleet.stop())
  const pool = createPool(postgres.connection, { applicationName: 'imms-chaos', maxConnections: 2 })
  stack.add('pool', pool, () => pool.end())
  if (control === 'no-lanes') await dropLanes(pool)

  const token = await issuer.issueToken({
    client: 'campaign',
    scopes: ALL_SCOPES,
    permissions: ['*.CRUDS'],
    ttlSeconds: 24 * 3600
  })
  const apis = ports.map((port) => `http://127.0.0.1:${port}`)
  const lines = await openSupplierLines(ports)
  stack.add('lines', lines, () => lines.close())
  const suppliers = startSuppliers({ apis: lines.urls, token, seed, perSecond: profile.perSecond })
  stack.add('suppliers', suppliers, async () => {
    await suppliers.stop(0)
    await suppliers.close()
  })
  return { postgres, redis, lines, receivers, fleet, clocks, pool, suppliers, operator: createOperator(apis, token) }
}

/** The sandbox forgets what is old, so it is read while the campaign runs. */
function keepJournal(receivers: Receivers): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined
  let last = Promise.resolve()
  const look = (): void => {
    last = receivers.readJournal().then(() => {
      timer = setTimeout(look, 1_000)
    })
  }
  look()
  return {
    async stop() {
      await last
      clearTimeout(timer)
    }
  }
}

async function gather(suppliers: Suppliers, receivers: Receivers) {
  return {
    records: suppliers.records(),
    journal: await receivers.readJournal(),
    holdings: await receivers.allHoldings(),
    hashSecret: receivers.hashSecret
  }
}

function violationsOf({ destination, missing, misordered, duplicates }: Verdict, doubtful: number): string[] {
  const tooMany = duplicates > doubtful ? [`${duplicates} duplicates, at most ${doubtful} can be explained`] : []
  return [...missing, ...misordered, ...tooMany].map((text) => `${destination}: ${text}`)
}
