// The campaign in short, for the tests; the long one is npm run chaos. Nothing depends on speed: what is asked is whether
// anything is missing, out of order or sent too often once everything has come to rest.
import type { Test } from 'tap'
import { runCampaign } from './campaign.js'
import type { PlanOptions } from './plan-faults.js'
import { QUICK } from './profiles.js'

/** With these nothing that the service stands on is left out in so short a time: judge.test.ts finds others. */
const SEEDS = { redis: 23, postgres: 79 }

export function shortPlan(engine: 'redis' | 'postgres', seed = SEEDS[engine]): PlanOptions {
  return { seed, durationMs: 12_000, engine, counts: { api: 1, relay: 1, worker: 2 }, profile: QUICK }
}

export async function checkShortCampaign(t: Test, engine: 'redis' | 'postgres'): Promise<void> {
  const progress: string[] = []
  const { violations, faults, writes, destinations, drainedInSeconds } = await runCampaign({
    ...shortPlan(engine),
    profile: QUICK,
    onProgress(line) {
      progress.push(line)
    }
  })
  t.same(violations, [], 'nothing is lost, out of order or sent too often', { progress })
  const inflicted = Object.values(faults).reduce((sum, times) => sum + times, 0)
  const versions = destinations.reduce((sum, { expected }) => sum + expected, 0)
  t.comment(
    `${inflicted} faults, ${writes.acknowledged} writes, ${versions} deliveries, drained in ${drainedInSeconds} s`
  )
}
