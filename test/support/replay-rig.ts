// What tests of replays share: a database with the desk that plans and starts them, and the runner that releases.
import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { createDeliveryPump } from '../../src/delivery/delivery-pump.js'
import type { ConfiguredDestination } from '../../src/delivery/destination.js'
import type { DeliveryPolicy } from '../../src/delivery/policy.js'
import { createReplays, type Replays } from '../../src/delivery/replay.js'
import type { ReplayPlan } from '../../src/delivery/replay-acts.js'
import { createReplayRunner, type ReplayRunner } from '../../src/delivery/replay-runner.js'
import { createDatabase, type Database } from '../../src/storage/database.js'
import type { Pool } from '../../src/storage/pool.js'
import type { ReplayFilter } from '../../src/storage/replay.js'
import { createTestLog, smallPolicy, type ScriptedDestination } from './delivery-rig.js'
import { createTestDatabase } from './test-database.js'

export interface ReplayRig {
  pool: Pool
  database: Database
  replays: Replays
  runner: ReplayRunner
  log: ReturnType<typeof createTestLog>
  /** How often a relay was told that there is something to do. */
  woken(): number
}

export type ReplayDestination = Pick<ConfiguredDestination, 'name' | 'ratePerSecond' | 'sends' | 'wants'>

/** `gp` without a rate, `nhs` with 20 a second; both are sent everything. */
export const GP_AND_NHS: readonly ReplayDestination[] = [
  { name: 'gp', sends: 'all', wants: () => true },
  { name: 'nhs', ratePerSecond: 20, sends: 'all', wants: () => true }
]

export async function openReplays(
  t: Test,
  destinations: readonly ReplayDestination[] = GP_AND_NHS,
  replay: Partial<DeliveryPolicy['replay']> = {}
): Promise<ReplayRig> {
  const { pool } = await createTestDatabase(t)
  const database = createDatabase(pool)
  const auditChainId = randomUUID()
  await database.stores.audit.openChain(auditChainId, 'test')
  const log = createTestLog()
  const policy = smallPolicy({ replay })
  const deps = { database, destinations, policy, now: () => new Date(), auditChainId, log }
  let woken = 0
  const replays = createReplays({ ...deps, onRequeued: () => (woken += 1) })
  return { pool, database, replays, runner: createReplayRunner(deps), log, woken: () => woken }
}

export interface Held {
  class?: string
  lastAttemptAt?: string
  createdAt?: string
}

/** As an adapter that refuses leaves it. */
export async function hold(pool: Pool, deliveryIds: readonly (string | undefined)[], held: Held = {}): Promise<void> {
  await pool.query(
    `update delivery
        set state = 'held', epoch = 1, tries = 3, last_class = $2, last_attempt_at = coalesce($3, now()),
            finished_at = null, created_at = coalesce($4, created_at)
      where delivery_id = any ($1)`,
    [deliveryIds, held.class ?? 'refused', held.lastAttemptAt ?? null, held.createdAt ?? null]
  )
}

/** As they arrived. */
export async function deliver(pool: Pool, deliveryIds: readonly (string | undefined)[]): Promise<void> {
  await pool.query(
    `update delivery
        set state = 'delivered', epoch = 1, last_class = 'delivered', last_attempt_at = now(), finished_at = now()
      where delivery_id = any ($1)`,
    [deliveryIds]
  )
}

export async function plan(replays: Replays, filter: Partial<ReplayFilter> = {}): Promise<ReplayPlan> {
  const wanted = { destination: 'gp', mode: 'retry' as const, states: ['held' as const], ...filter }
  const answer = await replays.plan({ ...wanted, actor: 'ops-1', reason: 'INC-123' })
  if (answer.kind !== 'planned') throw new Error(answer.message)
  return answer.plan
}

/** Planned and started, at full speed unless said otherwise. */
export async function begin(
  replays: Replays,
  filter: Partial<ReplayFilter> = {},
  pace: { ratePerSecond?: number; share?: number } = {}
): Promise<string> {
  const { replayId, planned } = await plan(replays, filter)
  const answer = await replays.start(replayId, { actor: 'ops-1', confirmCount: planned, ...pace })
  if (answer.kind !== 'started') throw new Error(answer.message)
  return replayId
}

/** What is due, or will be, is sent now. */
export async function deliverAll({ pool, database }: ReplayRig, destination: ScriptedDestination): Promise<void> {
  await pool.query(`update delivery set due_at = now() where state in ('ready', 'verify')`)
  const { rows } = await pool.query<{ delivery_id: string }>(
    `select delivery_id from delivery where state in ('ready', 'verify', 'queued') and destination = $1`,
    [destination.name]
  )
  const pump = createDeliveryPump({
    database,
    destination,
    policy: smallPolicy(),
    worker: 'worker-1',
    log: createTestLog(),
    random: Math.random
  })
  await pump.deliver(rows.map((row) => row.delivery_id))
}

export async function auditOf(pool: Pool): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query<{ actor: string; action: string; detail: string }>(
    'select actor, action, detail from audit_entry order by at, position'
  )
  return rows.map((row) => ({ ...row, detail: JSON.parse(row.detail) as unknown }))
}
