// A burst while nothing goes out: what is accepted waits where it can be seen, and the queue stays small.
import { Redis } from 'ioredis'
import t from 'tap'
import type { DeliveryOutcome } from '../../src/delivery/destination.js'
import { openFleet } from '../support/delivery-fleet.js'
import { countStates, DELIVERED, scriptDestination, smallPolicy, waitForStates } from '../support/delivery-rig.js'
import { redisLeftOut, startOwnRedis } from '../support/redis.js'
import { seedRecords } from '../support/seed-deliveries.js'
import { waitFor } from '../support/wait-for.js'

const WINDOW = 20
const CHUNK = 4
const BACKLOG = 200

t.test('a backlog waits in the ledger: the queue never holds more than its window', async (t) => {
  const redis = await startOwnRedis(t)
  if (!redis) return t.pass(redisLeftOut, { skip: redisLeftOut })
  const admin = new Redis(redis.url)
  t.teardown(() => {
    admin.disconnect()
  })
  let isUp = false
  const waiting: (() => void)[] = []
  const gp = scriptDestination({ concurrency: 2, timeoutMs: 60_000 }, () =>
    isUp
      ? DELIVERED
      : new Promise<DeliveryOutcome>((resolve) =>
          waiting.push(() => {
            resolve(DELIVERED)
          })
        )
  )
  const fleet = await openFleet(
    t,
    { kind: 'redis', url: redis.url },
    [gp],
    smallPolicy({ ring: { window: WINDOW, chunk: CHUNK } })
  )
  await Promise.all([fleet.relay(), fleet.worker()])
  const jobs = async (): Promise<number> =>
    (await admin.keys('{dlv:gp}:gp:ring-????????-????-????-????-????????????')).length
  let mostJobs = 0
  let mostQueued = 0

  for (let records = 0; records < BACKLOG; records += 50) {
    await seedRecords(fleet.pool, 50, { destinations: ['gp'] })
    mostQueued = Math.max(mostQueued, (await countStates(fleet.pool))['queued'] ?? 0)
    mostJobs = Math.max(mostJobs, await jobs())
  }
  await waitFor(() => waiting.length === 2, 'the destination to be busy')

  t.ok(mostQueued <= WINDOW, `${mostQueued} deliveries are queued, of ${WINDOW} at most`)
  t.ok(mostJobs > 0 && mostJobs <= WINDOW, `${mostJobs} jobs`)
  isUp = true
  for (const answer of waiting) answer()
  await waitForStates(fleet.pool, { delivered: BACKLOG }, 60_000)
  await waitFor(async () => (await jobs()) === 0, 'the queue to be empty')
})
