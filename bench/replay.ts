// A bad night's end: 100,000 held deliveries are planned, released and sent, and live traffic beside a replay. Relay and
// workers run in this process, on an embedded PostgreSQL with its queue; the receiver answers at once.
import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DELIVERY_POLICY, type DeliveryPolicy } from '../src/delivery/policy.js'
import { createReplays } from '../src/delivery/replay.js'
import { createReplayRunner } from '../src/delivery/replay-runner.js'
import { startEmbeddedPostgres } from '../src/embedded/start-embedded-postgres.js'
import { createDatabase, type Database } from '../src/storage/database.js'
import { migrate } from '../src/storage/migrate.js'
import { createPool, type DatabaseConnection, type Pool } from '../src/storage/pool.js'
import { DELIVERED, scriptDestination, type ScriptedDestination } from '../test/support/delivery-rig.js'
import { seedDue, seedHeld } from '../test/support/seed-held.js'
import { SILENT, startRelayAndWorkers } from './replay/relay-and-workers.js'
import { writeResult } from './statistics.js'

const HELD = 100_000
/** What the receiver of the first part allows, and how long it is looked at. */
const ALLOWED_PER_SECOND = 40
const SECONDS = 30
/** Of the second part: a quarter of the rate is the replay's, three fifths are live. */
const LIVE_PER_SECOND = 24

export const bench = {
  describe: `${HELD} held deliveries planned, requeued and sent at a rate; live traffic beside a replay (5 minutes)`,
  async run(): Promise<void> {
    const folder = mkdtempSync(path.join(tmpdir(), 'imms-bench-replay-'))
    chmodSync(folder, 0o755)
    const server = await startEmbeddedPostgres({ stateDir: path.join(folder, 'postgres') })
    const pool = createPool(server.connection)
    try {
      await migrate(pool)
      const rig = { connection: server.connection, pool, database: createDatabase(pool) }
      report(await requeueAndSend(rig), await liveBeside(rig))
    } finally {
      await pool.end()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

interface Rig {
  connection: DatabaseConnection
  pool: Pool
  database: Database
}

interface Requeued {
  planSeconds: number
  requeueSeconds: number
  sentPerSecond: number
  mostInASecond: number
}

/** At the highest rate there is, while nothing is taken; then the workers come, to a receiver with a rate. */
async function requeueAndSend(rig: Rig): Promise<Requeued> {
  const { pool } = rig
  process.stdout.write(`seeding ${HELD} held deliveries\n`)
  await seedHeld(pool, 'gp', HELD)
  await pool.query('vacuum analyze')
  const unlimited = scriptDestination({ name: 'gp' }, () => DELIVERED)
  // Nothing takes what is released here, so that only the release is measured.
  const policy = { ...DELIVERY_POLICY, replay: { ...DELIVERY_POLICY.replay, waitingMs: Infinity } }
  const replays = await openDesk(rig, [unlimited], policy)

  const planning = performance.now()
  const planned = await replays.plan({
    destination: 'gp',
    mode: 'retry',
    states: ['held'],
    actor: 'a',
    reason: 'bench'
  })
  const planSeconds = (performance.now() - planning) / 1_000
  if (planned.kind === 'refused') throw new Error(planned.message)
  const { replayId } = planned.plan
  await replays.approve(replayId, { actor: 'b', reason: 'bench' })
  process.stdout.write(`planned in ${planSeconds.toFixed(2)} s\n`)

  const requeueing = performance.now()
  await replays.start(replayId, { actor: 'a', confirmCount: HELD, ratePerSecond: policy.replay.mostPerSecond })
  await releaseAll(rig, policy)
  const requeueSeconds = (performance.now() - requeueing) / 1_000
  process.stdout.write(`requeued in ${requeueSeconds.toFixed(0)} s\n`)

  const gp = scriptDestination({ name: 'gp', ratePerSecond: ALLOWED_PER_SECOND }, () => DELIVERED)
  const sending = await startRelayAndWorkers(rig, [gp], DELIVERY_POLICY)
  await waitUntil(() => Promise.resolve(gp.received.length > 0))
  await delay(5_000)
  const from = gp.received.length
  await delay(SECONDS * 1_000)
  const sent = gp.received.slice(from).map(({ at }) => at)
  await sending.stop()
  await pool.query(`update replay set state = 'cancelled', finished_at = now() where state = 'running'`)
  return { planSeconds, requeueSeconds, ...ratesOf(sent) }
}

/** As a relay does it, without its other duties. */
async function releaseAll({ pool, database }: Rig, policy: DeliveryPolicy): Promise<void> {
  const auditChainId = randomUUID()
  await database.stores.audit.openChain(auditChainId, 'bench')
  const runner = createReplayRunner({
    database,
    destinations: [{ name: 'gp', sends: 'all', wants: () => true }],
    policy,
    now: () => new Date(),
    auditChainId,
    log: SILENT
  })
  await waitUntil(async () => {
    await runner.release()
    await delay(policy.replay.releaseMs)
    const { rows } = await pool.query<{ left: boolean }>(
      'select exists (select from replay_item where result is null) as left'
    )
    return rows[0]?.left === false
  }, 0)
}

function ratesOf(moments: readonly number[]): { sentPerSecond: number; mostInASecond: number } {
  const [first = 0] = moments
  const sentPerSecond = ((moments.length - 1) * 1_000) / ((moments.at(-1) ?? 0) - first)
  const mostInASecond = Math.max(
    ...moments.map((at) => moments.filter((other) => other >= at && other < at + 1_000).length)
  )
  return { sentPerSecond, mostInASecond }
}

interface Live {
  p50Ms: number
  p95Ms: number
}

interface Beside {
  alone: Live
  beside: Live
  replayedPerSecond: number
}

/** The same live traffic twice, alone and beside a replay that takes its usual share. */
async function liveBeside(rig: Rig): Promise<Beside> {
  const nhs = scriptDestination({ name: 'nhs', ratePerSecond: ALLOWED_PER_SECOND }, () => DELIVERED)
  const replays = await openDesk(rig, [nhs], DELIVERY_POLICY)
  const held = new Set(await seedHeld(rig.pool, 'nhs', 1_000))
  const running = await startRelayAndWorkers(rig, [nhs], DELIVERY_POLICY)
  process.stdout.write('live traffic alone\n')
  const alone = await sendLive(rig.pool, nhs)
  const planned = await replays.plan({
    destination: 'nhs',
    mode: 'retry',
    states: ['held'],
    actor: 'a',
    reason: 'bench'
  })
  if (planned.kind === 'refused') throw new Error(planned.message)
  await replays.start(planned.plan.replayId, { actor: 'a', confirmCount: planned.plan.planned })
  await delay(3_000)
  process.stdout.write('live traffic beside the replay\n')
  const beside = await sendLive(rig.pool, nhs)
  await running.stop()
  const replayed = nhs.received.filter(({ deliveryId }) => held.has(deliveryId)).map(({ at }) => at)
  return { alone, beside, replayedPerSecond: ratesOf(replayed).sentPerSecond }
}

async function sendLive(pool: Pool, destination: ScriptedDestination): Promise<Live> {
  const accepted = new Map<string, number>()
  const everyMs = 1_000 / LIVE_PER_SECOND
  const began = performance.now()
  for (let n = 0; n < LIVE_PER_SECOND * SECONDS; n++) {
    await delay(Math.max(0, began + n * everyMs - performance.now()))
    const [deliveryId = ''] = await seedDue(pool, destination.name, 1)
    accepted.set(deliveryId, performance.now())
  }
  const isIn = (): boolean =>
    [...accepted.keys()].every((id) => destination.received.some((one) => one.deliveryId === id))
  await waitUntil(() => Promise.resolve(isIn()))
  const tookMs = destination.received
    .flatMap(({ deliveryId, at }) => {
      const since = accepted.get(deliveryId)
      return since === undefined ? [] : [at - since]
    })
    .sort((left, right) => left - right)
  const at = (share: number): number => tookMs[Math.floor(tookMs.length * share)] ?? Number.NaN
  return { p50Ms: at(0.5), p95Ms: at(0.95) }
}

async function openDesk(
  { database }: Rig,
  destinations: readonly ScriptedDestination[],
  policy: DeliveryPolicy
): Promise<ReturnType<typeof createReplays>> {
  const auditChainId = randomUUID()
  await database.stores.audit.openChain(auditChainId, 'bench')
  await database.stores.destinations.ensure(destinations.map(({ name }) => name))
  return createReplays({ database, destinations, policy, now: () => new Date(), auditChainId })
}

async function waitUntil(isSo: () => Promise<boolean>, everyMs = 500): Promise<void> {
  while (!(await isSo())) await delay(everyMs)
}

function report(requeued: Requeued, { alone, beside, replayedPerSecond }: Beside): void {
  const two = (value: number): string => value.toFixed(2)
  const table = [
    ['what', 'measured', 'asked for'],
    [`${HELD.toLocaleString('en-GB')} held deliveries planned`, `${two(requeued.planSeconds)} s`, 'under 5 s'],
    ['all of them requeued, at 1,000/s', `${requeued.requeueSeconds.toFixed(0)} s`, 'under 180 s'],
    ['then sent, a second', two(requeued.sentPerSecond), `${ALLOWED_PER_SECOND}, the rate of the receiver`],
    ['most of them in any second', String(requeued.mostInASecond), `${ALLOWED_PER_SECOND}`],
    ['a replay at its usual share, a second', two(replayedPerSecond), `${ALLOWED_PER_SECOND / 4}, a quarter`],
    [
      'live traffic alone, median and 95th percentile',
      `${alone.p50Ms.toFixed(0)} and ${alone.p95Ms.toFixed(0)} ms`,
      ''
    ],
    [
      'the same beside the replay',
      `${beside.p50Ms.toFixed(0)} and ${beside.p95Ms.toFixed(0)} ms (ratio ${two(beside.p95Ms / alone.p95Ms)})`,
      ''
    ]
  ]
  const notes = [
    `Released as a relay does it while nothing takes them, then sent for ${SECONDS} s; live traffic is ${LIVE_PER_SECOND} a second of ${ALLOWED_PER_SECOND}. ` +
      `Counted as they arrive: one more falls into a second when it is a moment early or the first a moment late.`,
    'That a process that is killed midway loses and doubles nothing is shown by test/delivery/replay-run.test.ts.'
  ]
  writeResult(
    'replay',
    `A replay of ${HELD.toLocaleString('en-GB')} deliveries`,
    table,
    { requeued, alone, beside, replayedPerSecond },
    notes
  )
}
