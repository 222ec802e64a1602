// A check that cannot fail is no check: without lanes the campaign must say that the order is lost.
import t from 'tap'
import { runCampaign } from './campaign.js'
import { QUICK } from './profiles.js'

t.test('a service without lanes is found out', async (t) => {
  const progress: string[] = []
  const { violations, destinations, writes } = await runCampaign({
    seed: 1,
    durationMs: 4_000,
    engine: 'postgres',
    counts: { api: 1, relay: 1, worker: 1 },
    // None but the faults of the control; and what it has lost is not waited for.
    profile: { ...QUICK, faultEveryMs: 60_000, drainWithinMs: 6_000 },
    control: 'no-lanes',
    onProgress(line) {
      progress.push(line)
    }
  })
  const misordered = destinations.reduce((sum, verdict) => sum + verdict.misordered, 0)
  t.ok(misordered > 0, 'versions arrived out of order', { progress })
  t.ok(
    violations.some((violation) => /applied after a later version/.test(violation)),
    'and the report says so'
  )
  t.comment(`${writes.acknowledged} writes, ${misordered} misordered, ${violations.length} violations`)
})
