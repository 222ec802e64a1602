// BullMQ on Redis or Valkey. May be wiped or gone at any moment: producers fail at once, workers come back by themselves.
import { Queue, Worker } from 'bullmq'
import { Redis, type RedisOptions } from 'ioredis'
import { JOB_OPTIONS, STREAMS, WORKER_OPTIONS, type QueueEngine, type RingJob } from './engine.js'
import { findRedisNhsNumbers, readRedisVitals } from './redis-inspection.js'

/** A ring that takes longer is given up: the relay rings again. */
const ANSWER_WITHIN_MS = 2_000
const EPOCH_KEY = '{dlv}:epoch'
const ALL_KEYS = '{dlv*'
/** All keys of a destination in one slot of a cluster. */
const prefixOf = (destination: string): string => `{dlv:${destination}}`

export function createRedisEngine(url: string, onError: (error: Error) => void): QueueEngine {
  // Without an offline queue a ring fails at once while Redis is away, instead of waiting in memory.
  const producer = connect(url, onError, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: ANSWER_WITHIN_MS
  })
  // BullMQ duplicates it for each worker's blocking read, which must wait for ever.
  const consumer = connect(url, onError, { maxRetriesPerRequest: null })
  const blocking = trackDuplicates(consumer, onError)
  // BullMQ's own look at the server is left out: a connection lost in that moment leaves the queue dead for good
  // (RedisConnection.init, 6.7.0). check() looks instead.
  const common = { skipVersionCheck: true } as const
  return {
    kind: 'redis',
    openQueue: (destination) =>
      new Queue<RingJob>(destination, {
        ...common,
        connection: producer,
        prefix: prefixOf(destination),
        skipWaitingForReady: true,
        defaultJobOptions: JOB_OPTIONS,
        streams: STREAMS
      }),
    openWorker: (destination, concurrency, process) =>
      new Worker<RingJob>(destination, process, {
        ...common,
        ...WORKER_OPTIONS,
        connection: consumer,
        prefix: prefixOf(destination),
        concurrency
      }),
    isReady: () => producer.status === 'ready',
    async readEpoch() {
      return (await producer.get(EPOCH_KEY)) ?? undefined
    },
    async writeEpoch(epoch) {
      await producer.set(EPOCH_KEY, epoch)
    },
    check: () => checkRedis(producer),
    readVitals: () => readRedisVitals(producer),
    findNhsNumbers: (limit) => findRedisNhsNumbers(producer, ALL_KEYS, limit),
    close() {
      for (const redis of [producer, consumer, ...blocking]) end(redis)
      return Promise.resolve()
    }
  }
}

type Patience = Pick<RedisOptions, 'enableOfflineQueue' | 'maxRetriesPerRequest' | 'commandTimeout'>

function connect(url: string, onError: (error: Error) => void, options: Patience): Redis {
  const target = url.startsWith('unix:') ? new URL(url).pathname : url
  const redis = new Redis(target, {
    ...options,
    connectTimeout: 5_000,
    retryStrategy: (tries) => Math.min(tries * 50, 1_000)
  })
  redis.on('error', onError)
  // Every queue and worker listens to it.
  redis.setMaxListeners(0)
  return redis
}

/** Those that BullMQ makes and that it forgets when the server is away while it closes. */
function trackDuplicates(redis: Redis, onError: (error: Error) => void): Set<Redis> {
  const duplicates = new Set<Redis>()
  const duplicate = redis.duplicate.bind(redis)
  redis.duplicate = (...args) => {
    const copy = duplicate(...args)
    copy.on('error', onError)
    copy.on('end', () => duplicates.delete(copy))
    duplicates.add(copy)
    return copy
  }
  return duplicates
}

/**
 * Between two tries to connect, ioredis (6.0.0) takes a disconnect without ever saying `end`, and BullMQ waits for that
 * with its timers running. So it is made to try first.
 */
function end(redis: Redis): void {
  if (redis.status === 'reconnecting') redis.connect().catch(() => undefined)
  redis.disconnect()
}

async function checkRedis(redis: Redis): Promise<string[]> {
  if (!(await isUp(redis))) return ['Redis does not answer: records are accepted, deliveries wait until it does']
  const information = await redis.info()
  const warnings: string[] = []
  const policy = /^maxmemory_policy:(.*?)\r?$/m.exec(information)?.[1]
  if (policy !== undefined && policy !== 'noeviction') {
    warnings.push(
      `Redis has maxmemory-policy ${policy}, expected noeviction: jobs that it evicts are rung again only after a minute; ` +
        'run CONFIG SET maxmemory-policy noeviction and put it into redis.conf'
    )
  }
  if (/^aof_enabled:0\r?$/m.test(information)) {
    warnings.push(
      'Redis has appendonly no, expected yes: nothing is lost, but after a restart everything that waits is rung again; ' +
        'run CONFIG SET appendonly yes and put it into redis.conf'
    )
  }
  return warnings
}

async function isUp(redis: Redis): Promise<boolean> {
  if (redis.status === 'ready') return true
  return new Promise((resolve) => {
    const answer = (isReady: boolean) => () => {
      clearTimeout(timer)
      redis.off('ready', onReady)
      resolve(isReady)
    }
    const onReady = answer(true)
    const timer = setTimeout(answer(false), ANSWER_WITHIN_MS)
    redis.once('ready', onReady)
  })
}
