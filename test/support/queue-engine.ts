// The same tests on both engines of the queue.
import type { Test } from 'tap'
import type { DatabaseConnection } from '../../src/storage/pool.js'
import { redisLeftOut, startRedis } from './redis.js'
import { createTestDatabase } from './test-database.js'

export type QueueEngine = { kind: 'postgres'; connection: DatabaseConnection } | { kind: 'redis'; url: string }

/** One subtest per engine. Where there is no Redis its subtest is skipped, and says so. */
export async function forEachQueueEngine(
  t: Test,
  body: (t: Test, engine: QueueEngine) => void | Promise<void>
): Promise<void> {
  await t.test('on PostgreSQL', async (t) => {
    const { connection } = await createTestDatabase(t)
    await body(t, { kind: 'postgres', connection })
  })
  await t.test('on Redis', async (t) => {
    const redis = await startRedis(t)
    if (redis) await body(t, { kind: 'redis', url: redis.url })
    else t.pass(redisLeftOut, { skip: redisLeftOut })
  })
}
