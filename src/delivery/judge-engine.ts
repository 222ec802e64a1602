// What is wrong with the queue engine, if anything. Pure.
import type { EngineVitals } from '../queue/redis-inspection.js'
import type { QueueEpoch } from '../storage/queue-epoch-store.js'
import { bytesWords, ok, trouble, type Finding } from './judge-vitals.js'

export interface EngineReport {
  engine: 'redis' | 'postgres'
  vitals: EngineVitals
  /** The mark in the engine, and the one in the ledger. */
  epoch: string | undefined
  known: QueueEpoch | undefined
}

export function checkEngine({ engine, vitals, epoch, known }: EngineReport): Finding[] {
  if (engine === 'postgres') return [ok('queue', 'BullMQ runs on PostgreSQL; there is no Redis to look after')]
  if (!vitals.isUp)
    return [
      trouble(
        'queue',
        'Redis does not answer: records are accepted, deliveries wait',
        'start Redis or mend REDIS_URL; nothing is lost meanwhile, and what waits goes by itself'
      )
    ]
  return [
    ok('queue', `Redis ${vitals.version ?? ''} answers`),
    checkPolicy(vitals),
    checkMemory(vitals),
    checkPersistence(vitals),
    checkEpoch(epoch, known)
  ]
}

function checkPolicy({ policy }: EngineVitals): Finding {
  if (policy === 'noeviction') return ok('queue policy', 'Redis evicts nothing')
  return trouble(
    'queue policy',
    `Redis has maxmemory-policy ${policy ?? 'unknown'}: jobs that it evicts are rung again only after a minute`,
    'CONFIG SET maxmemory-policy noeviction, and put it into redis.conf'
  )
}

function checkMemory({ memoryBytes = 0, memoryLimitBytes = 0 }: EngineVitals): Finding {
  const used = bytesWords(memoryBytes)
  if (memoryLimitBytes === 0) return ok('queue memory', `${used} used, no limit set`)
  const words = `${used} of ${bytesWords(memoryLimitBytes)} used`
  if (memoryBytes < memoryLimitBytes * 0.9) return ok('queue memory', words)
  return trouble(
    'queue memory',
    words,
    'raise maxmemory, or find what else fills this Redis: the queues hold a window only'
  )
}

function checkPersistence({ isAppendOnly, lastWriteOk }: EngineVitals): Finding {
  if (lastWriteOk === false)
    return trouble('queue persistence', 'the last write of Redis to its disk failed', 'look at the disk of Redis')
  if (isAppendOnly === true) return ok('queue persistence', 'the append-only file is on')
  return trouble(
    'queue persistence',
    'appendonly is off: nothing is lost, but after a restart everything that waits is rung again',
    'CONFIG SET appendonly yes, and put it into redis.conf'
  )
}

function checkEpoch(epoch: string | undefined, known: QueueEpoch | undefined): Finding {
  if (known === undefined) return ok('queue epoch', 'nothing was rung yet')
  if (known.engine === 'redis' && known.epoch === epoch) return ok('queue epoch', 'Redis is the one that was rung on')
  return trouble(
    'queue epoch',
    'Redis is not the one that was rung on (restarted empty, or another server)',
    'nothing, where a relay runs: it rings again within seconds; else start one'
  )
}
