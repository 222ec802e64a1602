// A GP destination on the sandbox and a database: messages are really sent, and the inbox is looked into step by step.
import { randomUUID } from 'node:crypto'
import { uuidv7 } from 'uuidv7'
import type { Test } from 'tap'
import { createDeliveryPump } from '../../src/delivery/delivery-pump.js'
import type { Destination } from '../../src/delivery/destination.js'
import { destinationKind } from '../../src/delivery/destinations/gp-record.js'
import { INBOX_POLICY, lookIntoInbox, type InboxDestination } from '../../src/delivery/inbox/look-into-inbox.js'
import { settleAnswers } from '../../src/delivery/inbox/settle-answers.js'
import { sandboxDestinations } from '../../src/sandbox/destinations.js'
import { startSandbox } from '../../src/sandbox/server.js'
import { createDatabase, type Database } from '../../src/storage/database.js'
import type { Pool } from '../../src/storage/pool.js'
import { syntheticImmunization, syntheticServices } from '../delivery/synthetic.js'
import { createTestLog, smallPolicy } from './delivery-rig.js'
import { seedRecord, type SeedRecord, type SeededRecord } from './seed-deliveries.js'
import { createTestDatabase } from './test-database.js'

export const GP = 'gp-record'

export interface AnswerRig {
  pool: Pool
  database: Database
  log: ReturnType<typeof createTestLog>
  destination: Destination & InboxDestination
  /** A request to the sandbox. */
  ask<Answer>(method: string, path: string, body?: object): Promise<Answer>
  seed(versions?: SeedRecord['versions']): Promise<SeededRecord>
  send(deliveryId: string, destination?: Destination): Promise<void>
  /** One look of one process, and what follows from it. True when there is more. */
  look(worker?: string, inbox?: InboxDestination['inbox']): Promise<boolean>
  acknowledgementOf(deliveryId: string): Promise<Record<string, unknown> | undefined>
  /** Deliveries of a record in lane order. */
  lane(recordId: string): Promise<{ state: string; kind: string; version: number; class: string | null }[]>
}

export async function openAnswerRig(t: Test, options: Record<string, unknown> = {}): Promise<AnswerRig> {
  const { pool } = await createTestDatabase(t)
  const sandbox = await startSandbox()
  t.teardown(() => sandbox.close())
  const database = createDatabase(pool)
  const log = createTestLog()
  const entry = sandboxDestinations(sandbox.url, sandbox.keys).find(({ kind }) => kind === GP)
  const destination = destinationKind.create(
    { name: GP, kind: GP, concurrency: 2, timeoutMs: 5_000 },
    { ...entry?.options, inboxSeconds: 0.001, ...options },
    syntheticServices()
  ) as AnswerRig['destination']
  t.teardown(() => destination.close())
  await database.stores.inboxes.ensure(GP)
  const auditChainId = uuidv7()
  await database.stores.audit.openChain(auditChainId, 'test')

  const ask = async <Answer>(method: string, path: string, body?: object): Promise<Answer> => {
    const response = await fetch(`${sandbox.url}${path}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (response.status === 204 ? undefined : await response.json()) as Answer
  }
  await ask('PUT', '/practice', { answer: 'positive', delayMs: 0 })
  return {
    pool,
    database,
    log,
    destination,
    ask,
    async seed(versions = ['create']) {
      const seeded = await seedRecord(pool, { destinations: [GP], versions })
      const body = JSON.stringify(syntheticImmunization())
      await pool.query('update record_version set body = $2 where record_id = $1', [seeded.recordId, body])
      return seeded
    },
    async send(deliveryId, sender = destination) {
      const policy = smallPolicy()
      const pump = createDeliveryPump({ database, destination: sender, policy, worker: 'w', log, random: Math.random })
      await pump.deliver([deliveryId])
    },
    async look(worker = 'look', inbox = destination.inbox) {
      const deps = { database, worker, log, now: () => new Date(), newId: uuidv7, auditChainId }
      const hasMore = await lookIntoInbox(deps, { name: GP, inbox }, INBOX_POLICY, new AbortController().signal)
      await settleAnswers(deps, GP)
      return hasMore
    },
    async acknowledgementOf(deliveryId) {
      const { rows } = await pool.query<Record<string, unknown>>(
        `select state, infrastructure_code as infrastructure, business_code as business, reason
           from acknowledgement where delivery_id = $1`,
        [deliveryId]
      )
      return rows[0]
    },
    async lane(recordId) {
      const { rows } = await pool.query<{ state: string; kind: string; version: number; class: string | null }>(
        'select state, kind, version, last_class as class from delivery where record_id = $1 order by lane_seq',
        [recordId]
      )
      return rows
    }
  }
}

/** Another name for a process. */
export const otherProcess = (): string => `process-${randomUUID()}`
