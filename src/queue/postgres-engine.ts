// BullMQ on PostgreSQL, in the schema bullmq of the ledger's own database: for where there is no Redis.
import { createPostgresBackend, withBackend, type PgPool } from 'bullmq'
import type { Pool } from '../storage/pool.js'
import { JOB_OPTIONS, STREAMS, WORKER_OPTIONS, type QueueEngine, type RingJob } from './engine.js'
import { holdsNhsNumber } from './nhs-number-scan.js'

/** Its jobs live and die with the ledger, so there is nothing to tell apart. */
const EPOCH = '00000000-0000-0000-0000-000000000000'

/** `pool`: of createQueuePool, with one connection to spare for each worker, which keeps it to listen on. */
export function createPostgresEngine(pool: Pool): QueueEngine {
  // A pg.Pool in all that is used of it; the declarations differ in overloads (feasibility.md A3).
  const connection = pool as unknown as PgPool
  const { Queue, Worker } = withBackend(createPostgresBackend)
  return {
    kind: 'postgres',
    openQueue: (destination) =>
      new Queue<RingJob>(destination, { connection, defaultJobOptions: JOB_OPTIONS, streams: STREAMS }),
    openWorker: (destination, concurrency, process) =>
      new Worker<RingJob>(destination, process, { ...WORKER_OPTIONS, connection, concurrency }),
    isReady: () => true,
    readEpoch: () => Promise.resolve(EPOCH),
    writeEpoch: () => Promise.resolve(),
    check: () => Promise.resolve([]),
    // It is up when the ledger is, and what there is to know of that is told with it.
    readVitals: () => Promise.resolve({ isUp: true }),
    async findNhsNumbers(limit) {
      const { rows } = await pool.query<{ id: string; data: string }>(
        'select id::text as id, data::text as data from job limit 50000'
      )
      return rows.flatMap(({ id, data }) => (holdsNhsNumber(data) ? [id] : [])).slice(0, limit)
    },
    close: () => Promise.resolve()
  }
}
