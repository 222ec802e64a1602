// The database as the use cases see it: stores, and transactions that hand out stores.
import type { Pool } from 'pg'
import { createAccessTokenStore, type AccessTokenStore } from './access-token-store.js'
import { createAcknowledgementStore, type AcknowledgementStore } from './acknowledgement-store.js'
import { createAuditStore, type AuditStore } from './audit-store.js'
import { createBundleJobStore, type BundleJobStore } from './bundle-job-store.js'
import { createDecisionStore, type DecisionStore } from './decision-store.js'
import { createDeliveredLanes, type DeliveredLanes } from './delivered-lanes.js'
import { createDeliveryProbes, type DeliveryProbes } from './delivery-probes.js'
import { createDeliveryStore, type DeliveryStore } from './delivery-store.js'
import { createDestinationLimits, type DestinationLimits } from './destination-limits.js'
import { createDestinationStore, type DestinationStore } from './destination-store.js'
import { createDoubtStore, type DoubtStore } from './doubt-store.js'
import { createElsewherePairStore, type ElsewherePairStore } from './elsewhere-pair-store.js'
import { createElsewhereStore, type ElsewhereStore } from './elsewhere-store.js'
import { createEventStore, type EventStore } from './event-store.js'
import { createHistoryStore, type HistoryStore } from './history-store.js'
import { createIdempotencyStore, type IdempotencyStore } from './idempotency-store.js'
import { createInboxStore, type InboxStore } from './inbox-store.js'
import { createNearStore, type NearStore } from './near-store.js'
import { createOpsStore, type OpsStore } from './ops-store.js'
import { createOutboxStore, type OutboxStore } from './outbox-store.js'
import { createPatientMergeStore, type PatientMergeStore } from './patient-merge-store.js'
import { createPatientStore, type PatientStore } from './patient-store.js'
import { createProcessStore, type ProcessStore } from './process-store.js'
import { createProvenanceStore, type ProvenanceStore } from './provenance-store.js'
import { createQueueEpochStore, type QueueEpochStore } from './queue-epoch-store.js'
import { createRecordScanStore, type RecordScanStore } from './record-scan.js'
import { createRecordStore, type RecordStore } from './record-store.js'
import { createRefusalStore, type RefusalStore } from './refusal-store.js'
import { createReplayStore, type ReplayStore } from './replay-store.js'
import { createReviewStore, type ReviewStore } from './review-store.js'
import { createServedStores, type ServedStores } from './served-stores.js'
import { createServiceKeyStore, type ServiceKeyStore } from './service-key-store.js'
import type { Sql } from './sql.js'
import { nameStatement } from './statement-names.js'
import { createTerminologyAnswerStore, type TerminologyAnswerStore } from './terminology-answer-store.js'
import { createTerminologyCheckStore, type TerminologyCheckStore } from './terminology-check-store.js'

export interface Stores {
  records: RecordStore
  patients: PatientStore
  patientMerges: PatientMergeStore
  recordScan: RecordScanStore
  refusals: RefusalStore
  events: EventStore
  near: NearStore
  decisions: DecisionStore
  doubts: DoubtStore
  reviews: ReviewStore
  history: HistoryStore
  outbox: OutboxStore
  idempotency: IdempotencyStore
  deliveries: DeliveryStore
  destinations: DestinationStore
  replays: ReplayStore
  queueEpochs: QueueEpochStore
  audit: AuditStore
  ops: OpsStore
  serviceKeys: ServiceKeyStore
  terminologyAnswers: TerminologyAnswerStore
  terminologyChecks: TerminologyCheckStore
  elsewhere: ElsewhereStore
  elsewherePairs: ElsewherePairStore
  served: ServedStores
  provenances: ProvenanceStore
  processes: ProcessStore
  deliveredLanes: DeliveredLanes
  deliveryProbes: DeliveryProbes
  destinationLimits: DestinationLimits
  bundleJobs: BundleJobStore
  accessTokens: AccessTokenStore
  acknowledgements: AcknowledgementStore
  inboxes: InboxStore
}

export interface Database {
  /** Every statement is a transaction of its own. */
  readonly stores: Stores
  /**
   * Runs the work in one transaction (read committed) on one client; the stores handed in are made on that client, so
   * no statement can escape it. Commits when the work resolves, rolls back when it rejects. Serialization faults and
   * deadlocks are tried again, so the work must not have effects outside the database.
   */
  transaction<Result>(work: (stores: Stores) => Promise<Result>): Promise<Result>
  /** As {@link transaction}, but rolled back at its end: nothing that the work did stays. */
  rehearse<Result>(work: (stores: Stores) => Promise<Result>): Promise<Result>
  /** Rejects when PostgreSQL does not answer. */
  ping(): Promise<void>
}

/** feature_not_supported: with named statements, that a migration changed what one gives. */
const STALE_STATEMENT = '0A000'

/**
 * serialization_failure, deadlock_detected, unique_violation: somebody else was faster; look again. A statement that is
 * stale is prepared anew by the next connection.
 */
const RETRIED_CODES = new Set(['40001', '40P01', '23505', STALE_STATEMENT])
const MAX_TRIES = 5

export function createDatabase(pool: Pool): Database {
  return {
    stores: createStores(createSql(pool, () => undefined)),
    transaction: (work) => run(pool, work, 'commit'),
    rehearse: (work) => run(pool, work, 'rollback'),
    async ping() {
      await pool.query('select 1')
    }
  }
}

type Work<Result> = (stores: Stores) => Promise<Result>
type End = 'commit' | 'rollback'

async function run<Result>(pool: Pool, work: Work<Result>, end: End): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(pool, work, end)
    } catch (error) {
      if (attempt === MAX_TRIES || !isOvertaken(error)) throw error
    }
  }
}

/** True for what {@link Database.transaction} tries again: seen outside, it was tried often enough. */
export function isOvertaken(error: unknown): boolean {
  return RETRIED_CODES.has(sqlState(error) ?? '')
}

/** SQLSTATE of an error of PostgreSQL; undefined for any other error. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function createStores(sql: Sql): Stores {
  return {
    records: createRecordStore(sql),
    patients: createPatientStore(sql),
    patientMerges: createPatientMergeStore(sql),
    recordScan: createRecordScanStore(sql),
    refusals: createRefusalStore(sql),
    events: createEventStore(sql),
    near: createNearStore(sql),
    decisions: createDecisionStore(sql),
    doubts: createDoubtStore(sql),
    reviews: createReviewStore(sql),
    history: createHistoryStore(sql),
    outbox: createOutboxStore(sql),
    idempotency: createIdempotencyStore(sql),
    deliveries: createDeliveryStore(sql),
    destinations: createDestinationStore(sql),
    replays: createReplayStore(sql),
    queueEpochs: createQueueEpochStore(sql),
    audit: createAuditStore(sql),
    ops: createOpsStore(sql),
    serviceKeys: createServiceKeyStore(sql),
    terminologyAnswers: createTerminologyAnswerStore(sql),
    terminologyChecks: createTerminologyCheckStore(sql),
    elsewhere: createElsewhereStore(sql),
    elsewherePairs: createElsewherePairStore(sql),
    served: createServedStores(sql),
    provenances: createProvenanceStore(sql),
    processes: createProcessStore(sql),
    deliveredLanes: createDeliveredLanes(sql),
    deliveryProbes: createDeliveryProbes(sql),
    destinationLimits: createDestinationLimits(sql),
    bundleJobs: createBundleJobStore(sql),
    accessTokens: createAccessTokenStore(sql),
    acknowledgements: createAcknowledgementStore(sql),
    inboxes: createInboxStore(sql)
  }
}

// Every statement of a transaction looks rows up by keys. A table that was never analysed makes the planner guess that a
// key has thousands of rows, and scan, with helpers: measured 16 ms instead of 1 ms for the events of 64 patients.
const BEGIN = `
begin;
set local enable_seqscan = off;
set local enable_hashjoin = off;
set local enable_mergejoin = off;
set local max_parallel_workers_per_gather = 0;
set local jit = off`

async function runOnce<Result>(pool: Pool, work: Work<Result>, end: End): Promise<Result> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query(BEGIN)
    const result = await work(createStores(createSql(client, nameStatement)))
    await client.query(end)
    return result
  } catch (error) {
    await client.query('rollback').catch((cause: unknown) => {
      broken = cause instanceof Error ? cause : new Error('rollback failed', { cause })
    })
    if (sqlState(error) === STALE_STATEMENT) broken = error as Error
    throw error
  } finally {
    client.release(broken)
  }
}

function createSql(queryable: Pick<Pool, 'query'>, nameOf: (text: string) => string | undefined): Sql {
  return {
    async query<Row extends object>(text: string, values: readonly unknown[] = []) {
      // Without values it may be several statements, which PostgreSQL does not prepare.
      const name = values.length === 0 ? undefined : nameOf(text)
      const statement = { text, values: [...values], ...(name === undefined ? {} : { name }) }
      const result = await queryable.query<Row>(statement)
      return { rows: result.rows, rowCount: result.rowCount ?? 0 }
    }
  }
}
