// One BullMQ queue per destination, on Redis or on PostgreSQL: the one place that chooses.
import { randomUUID } from 'node:crypto'
import type { Pool } from '../storage/pool.js'
import type { QueueEngine, RingQueue, RingWorker } from './engine.js'
import type { Log } from './log.js'
import { createQueueBoard, type QueueBoard } from './queue-board.js'
import type { EngineVitals } from './redis-inspection.js'
import { createPostgresEngine } from './postgres-engine.js'
import { createRedisEngine } from './redis-engine.js'
import { within } from './within.js'

export type QueueEngineSettings = { kind: 'redis'; url: string } | { kind: 'postgres'; pool: Pool }

export interface JobListener {
  /** Takes no more jobs and waits for those under way; after `withinMs` it lets go of them: they are taken up again. */
  close(withinMs: number): Promise<void>
}

export interface Queues {
  readonly engine: 'redis' | 'postgres'
  /** Whether a ring has a chance: false while Redis is away. */
  isReady(): boolean
  /**
   * Puts jobs of at most `chunk` delivery ids into the queue of the destination. Rejects soon when the engine does not
   * answer; part of the jobs may be in the queue then.
   */
  ring(destination: string, deliveryIds: readonly string[], chunk: number): Promise<void>
  /** No job waits for a worker, and none is at work on one. */
  isEmpty(destination: string): Promise<boolean>
  /** Age of the job that has waited longest for a worker; undefined when none waits. */
  oldestWaitingMs(destination: string): Promise<number | undefined>
  /** `concurrency`: jobs at the same moment in this process. A handler that rejects is logged, its job is gone. */
  onJob(
    destination: string,
    concurrency: number,
    handler: (deliveryIds: readonly string[]) => Promise<void>
  ): JobListener
  /** A mark that vanishes with the jobs; undefined when there is none. */
  readEpoch(): Promise<string | undefined>
  writeEpoch(epoch: string): Promise<void>
  /** What is wrong with the engine's settings, in words for the log. Empty when all is well. */
  check(): Promise<string[]>
  /** How the engine is. Rejects soon when it does not answer. */
  readVitals(): Promise<EngineVitals>
  /** Where it holds what may be an NHS number, at most `limit` places: there should be none. */
  findNhsNumbers(limit: number): Promise<string[]>
  /** The queues as Bull Board shows them, to read only. */
  readonly board: QueueBoard
  /** Close the listeners first. */
  close(withinMs: number): Promise<void>
}

const ANSWER_WITHIN_MS = 5_000
const SCAN_WITHIN_MS = 30_000

export function createQueues(deps: { engine: QueueEngineSettings; destinations: readonly string[]; log: Log }): Queues {
  const { destinations, log } = deps
  const onFault = reportOnce(log, deps.engine.kind)
  const engine = openEngine(deps.engine, onFault)
  const queues = new Map(
    destinations.map((destination) => {
      const queue = engine.openQueue(destination)
      queue.on('error', onFault)
      return [destination, queue]
    })
  )
  const queueOf = (destination: string): RingQueue => {
    const queue = queues.get(destination)
    if (!queue) throw new Error(`destination "${destination}" has no queue: known are ${destinations.join(', ')}`)
    return queue
  }
  return {
    engine: engine.kind,
    isReady: () => engine.isReady(),
    async ring(destination, deliveryIds, chunk) {
      const queue = queueOf(destination)
      const jobs = chunksOf(deliveryIds, chunk).map((ids) =>
        // An id of our own: BullMQ refuses ids that are all digits or hold a colon.
        queue.add('ring', { deliveryIds: ids }, { jobId: `ring-${randomUUID()}` })
      )
      await within(ANSWER_WITHIN_MS, `ringing for ${destination}`, Promise.all(jobs))
    },
    async isEmpty(destination) {
      const counting = queueOf(destination).getJobCounts('waiting', 'active')
      const counts = await within(ANSWER_WITHIN_MS, `counting the jobs of ${destination}`, counting)
      return Object.values(counts).every((count) => count === 0)
    },
    async oldestWaitingMs(destination) {
      const waiting = queueOf(destination).getWaiting(0, 0)
      const [oldest] = await within(ANSWER_WITHIN_MS, `looking into the queue of ${destination}`, waiting)
      return oldest === undefined ? undefined : Math.max(Date.now() - oldest.timestamp, 0)
    },
    onJob: (destination, concurrency, handler) => listen({ engine, destination, concurrency, handler, log, onFault }),
    readEpoch: () => within(ANSWER_WITHIN_MS, 'reading the epoch of the queue', engine.readEpoch()),
    writeEpoch: (epoch) => within(ANSWER_WITHIN_MS, 'writing the epoch of the queue', engine.writeEpoch(epoch)),
    check: () => engine.check(),
    readVitals: () => within(ANSWER_WITHIN_MS, 'asking the queue how it is', engine.readVitals()),
    findNhsNumbers: (limit) => within(SCAN_WITHIN_MS, 'looking through the queue', engine.findNhsNumbers(limit)),
    board: createQueueBoard(queues.values()),
    async close(withinMs) {
      const closed = Promise.all([...queues.values()].map((queue) => queue.close()))
      await within(withinMs, 'closing the queues', closed).catch(() => undefined)
      await engine.close()
    }
  }
}

function openEngine(settings: QueueEngineSettings, onFault: (error: Error) => void): QueueEngine {
  return settings.kind === 'redis' ? createRedisEngine(settings.url, onFault) : createPostgresEngine(settings.pool)
}

interface Listening {
  engine: QueueEngine
  destination: string
  concurrency: number
  handler: (deliveryIds: readonly string[]) => Promise<void>
  log: Log
  onFault: (error: Error) => void
}

function listen({ engine, destination, concurrency, handler, log, onFault }: Listening): JobListener {
  const worker = engine.openWorker(destination, concurrency, async (job) => {
    try {
      await handler(job.data.deliveryIds)
    } catch (error) {
      // The deliveries are still in the ledger: the sweeps take them up again.
      const deliveries = job.data.deliveryIds.length
      log.error({ destination, deliveries, err: error }, 'queue.job_failed')
      throw error
    }
  })
  worker.on('error', onFault)
  return {
    close: (withinMs) => closeWorker(worker, withinMs)
  }
}

/**
 * A pause waits for the jobs under way, but without end when one hangs or when the engine is away. A forced close waits
 * for nothing, and stops the timers that would keep the process from ending.
 */
async function closeWorker(worker: RingWorker, withinMs: number): Promise<void> {
  await within(withinMs, 'waiting for jobs', worker.pause()).catch(() => undefined)
  await within(ANSWER_WITHIN_MS, 'closing a worker', worker.close(true)).catch(() => undefined)
}

/** A lost engine gives an error on every connection, several times a second: one line a minute says enough. */
function reportOnce(log: Log, engine: string): (error: Error) => void {
  let quietUntil = 0
  return (error) => {
    if (Date.now() < quietUntil) return
    quietUntil = Date.now() + 60_000
    log.warn({ engine, err: error }, 'queue.engine_fault')
  }
}

function chunksOf(ids: readonly string[], size: number): string[][] {
  const chunks: string[][] = []
  for (let start = 0; start < ids.length; start += size) chunks.push(ids.slice(start, start + size))
  return chunks
}
