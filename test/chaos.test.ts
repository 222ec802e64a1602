// The chaos campaign in short, on both engines; the long one is npm run chaos. Nothing here depends on speed: what is
// asked is whether anything is missing, out of order or sent too often once everything has come to rest.
import t, { type Test } from 'tap'
import { runCampaign, type CampaignReport } from './chaos/campaign.js'
import { QUICK } from './chaos/profiles.js'
import { redisLeftOut, startOwnRedis } from './support/redis.js'

const SECONDS = 20

async function campaign(t: Test, engine: 'redis' | 'postgres', seed: number): Promise<void> {
  const lines: string[] = []
  const report = await runCampaign({
    seed,
    durationMs: SECONDS * 1_000,
    engine,
    counts: { api: 2, relay: 1, worker: 2 },
    profile: QUICK,
    onProgress(line) {
      lines.push(line)
    }
  })
  t.same(report.violations, [], 'nothing is lost, out of order or sent too often', { progress: lines })
  t.ok(report.writes.acknowledged > 0, `${report.writes.acknowledged} writes were acknowledged`)
  t.comment(summaryOf(report))
}

function summaryOf({ faults, writes, destinations, drainedInSeconds }: CampaignReport): string {
  const inflicted = Object.values(faults).reduce((sum, times) => sum + times, 0)
  const versions = destinations.reduce((sum, { expected }) => sum + expected, 0)
  return `${inflicted} faults, ${writes.acknowledged} writes, ${versions} deliveries, drained in ${drainedInSeconds} s`
}

t.test('processes die, receivers and servers fail, and everything arrives in order: on PostgreSQL alone', (t) =>
  campaign(t, 'postgres', 11)
)

t.test('processes die, receivers and servers fail, and everything arrives in order: on Redis', async (t) => {
  const redis = await startOwnRedis(t)
  if (redis === undefined) {
    t.pass(redisLeftOut, { skip: redisLeftOut })
    return
  }
  await redis.kill()
  await campaign(t, 'redis', 12)
})
