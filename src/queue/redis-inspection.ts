// What imms doctor and imms verify ask of Redis. Reads only, a few keys at a time.
import type { Redis } from 'ioredis'
import { holdsNhsNumber, withoutDigits } from './nhs-number-scan.js'

export interface EngineVitals {
  isUp: boolean
  version?: string
  /** What fits into it, and what is used. 0 for no limit. */
  memoryBytes?: number
  memoryLimitBytes?: number
  policy?: string
  isAppendOnly?: boolean
  /** The last write of the append-only file or of a snapshot worked. */
  lastWriteOk?: boolean
  connectedReplicas?: number
  uptimeSeconds?: number
}

export async function readRedisVitals(redis: Redis): Promise<EngineVitals> {
  const information = await redis.info()
  const valueOf = (name: string): string | undefined =>
    new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(information)?.[1] ?? undefined
  const numberOf = (name: string): number => Number(valueOf(name) ?? 0)
  return {
    isUp: true,
    version: valueOf('redis_version') ?? 'unknown',
    memoryBytes: numberOf('used_memory'),
    memoryLimitBytes: numberOf('maxmemory'),
    policy: valueOf('maxmemory_policy') ?? 'unknown',
    isAppendOnly: valueOf('aof_enabled') === '1',
    lastWriteOk: valueOf('aof_last_write_status') !== 'err' && valueOf('rdb_last_bgsave_status') !== 'err',
    connectedReplicas: numberOf('connected_slaves'),
    uptimeSeconds: numberOf('uptime_in_seconds')
  }
}

/** Keys looked at, at most: the queues hold far fewer (a window for each destination). */
const KEYS_LIMIT = 50_000
const AT_ONCE = 500
/** Of a key that holds many values. */
const VALUES_LIMIT = 1_000

/** Names (without digits) of keys that hold what may be an NHS number, in their name or their value. At most `limit`. */
export async function findRedisNhsNumbers(redis: Redis, pattern: string, limit: number): Promise<string[]> {
  const found: string[] = []
  let cursor = '0'
  let looked = 0
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', AT_ONCE)
    cursor = next
    for (const key of keys) {
      looked += 1
      if (holdsNhsNumber(key) || holdsNhsNumber(await readText(redis, key))) found.push(withoutDigits(key))
      if (found.length >= limit || looked >= KEYS_LIMIT) return found
    }
  } while (cursor !== '0')
  return found
}

/** Whatever the key holds, as one text. */
async function readText(redis: Redis, key: string): Promise<string> {
  const last = VALUES_LIMIT - 1
  switch (await redis.type(key)) {
    case 'string':
      return (await redis.get(key)) ?? ''
    case 'hash':
      return Object.entries(await redis.hgetall(key))
        .flat()
        .join('\n')
    case 'list':
      return (await redis.lrange(key, 0, last)).join('\n')
    case 'set':
      return (await redis.srandmember(key, String(VALUES_LIMIT))).join('\n')
    case 'zset':
      return (await redis.zrange(key, '0', String(last))).join('\n')
    case 'stream':
      return (await redis.xrange(key, '-', '+', 'COUNT', VALUES_LIMIT)).flat(2).join('\n')
    default:
      return ''
  }
}
