// What the queues need of an engine: BullMQ queues and workers on it, and whether it still is what it was.
import type { Job, Queue, Worker } from 'bullmq'
import type { EngineVitals } from './redis-inspection.js'

/** All that a job carries. Nothing about a patient, and nothing that the ledger does not know. */
export interface RingJob {
  deliveryIds: string[]
}

export type RingProcessor = (job: Pick<Job<RingJob>, 'data'>) => Promise<void>

/** The part of a BullMQ queue and worker that is used, whatever backend they are on. */
export type RingQueue = Pick<Queue<RingJob>, 'add' | 'getJobCounts' | 'getWaiting' | 'close'> & Faulty
export type RingWorker = Pick<Worker<RingJob>, 'pause' | 'close'> & Faulty
interface Faulty {
  on(event: 'error', listener: (error: Error) => void): unknown
}

export interface QueueEngine {
  readonly kind: 'redis' | 'postgres'
  openQueue(destination: string): RingQueue
  openWorker(destination: string, concurrency: number, process: RingProcessor): RingWorker
  /** Whether a job put in now has a chance. */
  isReady(): boolean
  /** A mark that vanishes with the jobs; undefined when there is none (an empty engine). */
  readEpoch(): Promise<string | undefined>
  writeEpoch(epoch: string): Promise<void>
  /** What is wrong with its settings, in words for ops. */
  check(): Promise<string[]>
  /** How it is. Rejects when it does not answer. */
  readVitals(): Promise<EngineVitals>
  /** Where it holds what may be an NHS number: names of keys or ids of jobs, at most `limit`. */
  findNhsNumbers(limit: number): Promise<string[]>
  close(): Promise<void>
}

/** A job is a doorbell: one attempt, gone when it ends. Retries and their moments are columns of the ledger. */
export const JOB_OPTIONS = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const

/** Nobody reads the event stream; kept short because each job writes four or five events. */
export const STREAMS = { events: { maxLen: 100 } } as const

/** A job whose worker died is taken up again as often as need be: whether a delivery is poison, the ledger decides. */
export const WORKER_OPTIONS = {
  lockDuration: 15_000,
  stalledInterval: 5_000,
  maxStalledCount: 1_000,
  // The defaults wait 15 s after every lost connection.
  runRetryDelay: 500,
  metrics: { maxDataPoints: 0 }
} as const
