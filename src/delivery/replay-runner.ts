// The relay's part in replays: releasing what has its turn, writing down what became of it, pausing what fails too often
// and ending what is done. Any number of relays may do it; each replay is had by one at a time.
import type { Log } from '../queue/log.js'
import type { Database, Stores } from '../storage/database.js'
import type { ReplayProgress } from '../storage/replay.js'
import type { LockedReplay } from '../storage/replay-store.js'
import type { Wanting } from './plan-deliveries.js'
import type { DeliveryPolicy } from './policy.js'
import { auditReplay } from './replay-acts.js'
import { releaseReplay } from './release-replay.js'
import { judgeFailures } from './replay-pace.js'

export interface ReplayRunner {
  /** Releases what has its turn; gives how many items. */
  release(): Promise<number>
  /** Results, pauses and ends. */
  settle(): Promise<void>
}

export interface ReplayRunnerDeps {
  database: Database
  destinations: readonly Wanting[]
  policy: Pick<DeliveryPolicy, 'replay' | 'attempt'>
  now: () => Date
  auditChainId: string
  log: Log
}

/** Results written by one round; the rest has the next one. */
const SETTLED_AT_ONCE = 5_000

export function createReplayRunner(deps: ReplayRunnerDeps): ReplayRunner {
  const { replays } = deps.database.stores
  return {
    async release() {
      let released = 0
      for (const replayId of await replays.listRunning()) released += await releaseOrLog(deps, replayId)
      return released
    },
    async settle() {
      await replays.settle(SETTLED_AT_ONCE)
      for (const replayId of await replays.listRunning()) await judgeReplay(deps, replayId)
    }
  }
}

/** What is wrong with one replay must not keep the others waiting. */
async function releaseOrLog(deps: ReplayRunnerDeps, replayId: string): Promise<number> {
  try {
    return await releaseReplay(deps, replayId)
  } catch (error) {
    deps.log.warn({ replay_id: replayId, err: error }, 'replay.release_failed')
    return 0
  }
}

type Verdict = { kind: 'done' } | { kind: 'paused'; because: string }

async function judgeReplay(deps: ReplayRunnerDeps, replayId: string): Promise<void> {
  const ended = await deps.database.transaction(async (stores) => {
    const replay = await stores.replays.lock(replayId)
    if (replay?.state !== 'running') return undefined
    const progress = await stores.replays.readProgress(replayId)
    const verdict = judge(deps, progress, replay)
    if (verdict === undefined) return undefined
    await writeVerdict(deps, stores, replay, progress, verdict)
    return { replay, progress, verdict }
  })
  if (ended !== undefined) logVerdict(deps.log, ended)
}

/** Done when each was attempted once more: what goes on being tried is a matter of the schedule again. */
function judge(
  { policy }: ReplayRunnerDeps,
  progress: ReplayProgress,
  { judgedFrom }: LockedReplay
): Verdict | undefined {
  if (progress.left + progress.waiting === 0) return { kind: 'done' }
  const because = progress.left === 0 ? undefined : judgeFailures(progress, judgedFrom, policy.replay)
  return because === undefined ? undefined : { kind: 'paused', because }
}

async function writeVerdict(
  deps: ReplayRunnerDeps,
  stores: Stores,
  { replayId, destination, planned }: LockedReplay,
  { left, delivered, failed, skipped, retrying, blocked }: ReplayProgress,
  verdict: Verdict
): Promise<void> {
  if (verdict.kind === 'done') await stores.replays.end(replayId, 'done')
  else await stores.replays.pause(replayId, verdict.because)
  const counts = { planned, left, delivered, failed, skipped, retrying, blocked }
  const because = verdict.kind === 'paused' ? { because: verdict.because } : {}
  const action = verdict.kind === 'done' ? 'replay.done' : 'replay.pause'
  await auditReplay(deps, stores, {
    actor: 'service',
    action,
    detail: { replayId, destination, ...counts, ...because }
  })
}

function logVerdict(
  log: Log,
  { replay, progress, verdict }: { replay: LockedReplay; progress: ReplayProgress; verdict: Verdict }
): void {
  const { delivered, failed, skipped, left } = progress
  const fields = { replay_id: replay.replayId, destination: replay.destination, delivered, failed, skipped, left }
  if (verdict.kind === 'done') log.info(fields, 'deliveries.replayed')
  // A person started it, and must look.
  else log.error({ ...fields, because: verdict.because }, 'replay.paused')
}
