// Makes the faults of the ground happen. Each gives false when it could not be done, as another fault was in its way.
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createQueues } from '../../src/queue/queues.js'
import { createPool, type DatabaseConnection, type Pool } from '../../src/storage/pool.js'
import { createQueuePool } from '../../src/storage/queue-pool.js'
import type { OwnRedis } from '../support/redis.js'
import { waitFor } from '../support/wait-for.js'
import type { CrashablePostgres } from './crashable-postgres.js'
import type { GroundFault } from './ground-faults.js'
import type { SupplierLines } from './supplier-lines.js'

export interface Ground {
  postgres: CrashablePostgres
  redis: OwnRedis | undefined
  lines: SupplierLines
}

export async function inflictOnGround(fault: GroundFault, ground: Ground): Promise<unknown> {
  const { postgres, redis, lines } = ground
  switch (fault.kind) {
    case 'redis-full':
      return redis === undefined ? false : fillRedis(redis, fault.forMs)
    case 'redis-tail':
      return redis === undefined ? false : loseJobs(redis, fault.forMs)
    case 'duplicate-jobs':
      return repeatJobs(ground)
    case 'open-transaction':
      return holdTransaction(postgres.connection, fault)
    case 'disk-full':
      return postgres.runOutOfDisk(fault.forMs)
    case 'answers-cut':
      return cutAnswers(lines, fault.forMs)
  }
}

async function cutAnswers(lines: SupplierLines, forMs: number): Promise<void> {
  const mend = lines.cut()
  await delay(forMs)
  mend()
}

/** A Redis that was restarted meanwhile has its room again. */
async function fillRedis({ url }: OwnRedis, forMs: number): Promise<boolean> {
  const wasFull = await onRedis(url, (redis) => redis.config('SET', 'maxmemory', '1'))
  await delay(forMs)
  await onRedis(url, (redis) => redis.config('SET', 'maxmemory', '0'))
  return wasFull
}

async function loseJobs({ url }: OwnRedis, forMs: number): Promise<boolean> {
  return onRedis(url, async (redis) => {
    const seen = new Set<string>()
    const until = performance.now() + forMs
    while (performance.now() < until) {
      for (const key of await redis.keys('{dlv:*:ring-*')) {
        const [queue, id = ''] = key.split(/:(?=ring-)/)
        // Their locks have the same beginning.
        if (seen.has(id) || id.includes(':')) continue
        seen.add(id)
        if (Math.random() < 0.5) await redis.multi().del(key).lrem(`${queue}:wait`, 0, id).exec()
      }
      await delay(20)
    }
  })
}

/** False when it is away, or was taken away in between. */
async function onRedis(url: string, work: (redis: Redis) => Promise<unknown>): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    await work(redis)
    return true
  } catch {
    return false
  } finally {
    redis.disconnect()
  }
}

const NEWEST = 20
const TIMES = 100
const CHUNK = 50

async function repeatJobs({ postgres: { connection }, redis }: Ground): Promise<boolean> {
  const pool = createQueuePool(connection, { workers: 0 })
  const destinations = await listDestinations(pool).catch(() => [])
  const queues = createQueues({
    engine: redis === undefined ? { kind: 'postgres', pool } : { kind: 'redis', url: redis.url },
    destinations,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined }
  })
  try {
    await waitFor(() => queues.isReady(), 'the queue', { withinMs: 5_000 })
    for (const destination of destinations) {
      const ids = await newestDeliveries(pool, destination)
      for (let time = 0; time < TIMES; time++) await queues.ring(destination, ids, CHUNK)
    }
    return destinations.length > 0
  } catch {
    return false
  } finally {
    await queues.close(1_000)
    await pool.end()
  }
}

async function listDestinations(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ destination: string }>('select destination from public.destination')
  return rows.map(({ destination }) => destination)
}

async function newestDeliveries(pool: Pool, destination: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    'select delivery_id as id from public.delivery where destination = $1 order by delivery_id desc limit $2',
    [destination, NEWEST]
  )
  return rows.map(({ id }) => id)
}

const HELD = {
  snapshot: { begin: 'begin isolation level repeatable read', look: 'select count(*) from delivery' },
  rows: {
    begin: 'begin',
    look: `
select delivery_id
  from delivery
  join record using (record_id)
 where record_id in (select record_id from record order by record_id desc limit ${NEWEST})
   for update`
  }
}

async function holdTransaction(
  connection: DatabaseConnection,
  { holds, forMs }: { holds: 'snapshot' | 'rows'; forMs: number }
): Promise<boolean> {
  const pool = createPool(connection, { applicationName: 'imms-chaos-forgotten', maxConnections: 1 })
  try {
    const client = await pool.connect()
    try {
      await client.query(HELD[holds].begin)
      await client.query(HELD[holds].look)
      await delay(forMs)
    } finally {
      // Closed, not given back: what it held is free again.
      client.release(true)
    }
    return true
  } catch {
    return false
  } finally {
    await pool.end()
  }
}
