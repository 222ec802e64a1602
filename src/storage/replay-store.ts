// Replays from their plan to their end.
//
// planned    nothing is touched. Start: running (once approved, where that is needed; not after it expired). Cancel.
// running    the relay releases its items at its rate. Pause, or too many failures: paused. All attempted: done. Cancel.
// paused     nothing more is released; what was released goes on. Resume: running. Cancel.
// done, cancelled   the end. What a cancelled one has not released stays as it was.
//
// One of a destination is running or paused (replay_one_open_key). Whoever moves one, or releases for it, locks its row.
import type { Replay } from './replay.js'
import { createReplayItems, type ReplayItems } from './replay-items.js'
import { createReplayPlans, type ReplayPlans } from './replay-plans.js'
import { createReplayRecords, type ReplayRecords } from './replay-records.js'
import { createReplayRelease, type ReplayRelease } from './replay-release.js'
import type { Sql } from './sql.js'

/** Failures that came before are no reason to pause it again. */
export interface JudgedFrom {
  tried: number
  failing: number
}

export interface LockedReplay extends Replay {
  isExpired: boolean
  judgedFrom: JudgedFrom
}

export interface ReplayStore extends ReplayPlans, ReplayRelease, ReplayItems, ReplayRecords {
  /** Nobody else may move it before the transaction ends. */
  lock(replayId: string): Promise<LockedReplay | undefined>
  /** The one of this destination that is running or paused, and whether it has the items of this plan. */
  findOpen(
    replay: Pick<Replay, 'replayId' | 'destination'>
  ): Promise<{ replayId: string; isSamePlan: boolean } | undefined>
  /** The plan is good for `validMs` from now on. */
  approve(replayId: string, actor: string, validMs: number): Promise<void>
  start(replayId: string, ratePerSecond: number): Promise<void>
  pause(replayId: string, because: string): Promise<void>
  resume(replayId: string, ratePerSecond: number, judgedFrom: JudgedFrom): Promise<void>
  end(replayId: string, state: 'done' | 'cancelled'): Promise<void>
  find(replayId: string): Promise<Replay | undefined>
  /** Newest first. */
  list(limit: number): Promise<Replay[]>
}

export function createReplayStore(sql: Sql): ReplayStore {
  return {
    ...createReplayPlans(sql),
    ...createReplayRelease(sql),
    ...createReplayItems(sql),
    ...createReplayRecords(sql),
    async lock(replayId) {
      const { rows } = await sql.query<LockedReplay>(LOCK, [replayId])
      return rows[0]
    },
    async findOpen({ replayId, destination }) {
      const { rows } = await sql.query<{ replayId: string; isSamePlan: boolean }>(FIND_OPEN, [replayId, destination])
      return rows[0]
    },
    async approve(replayId, actor, validMs) {
      await sql.query(
        `update replay
            set approved_by = $2, expires_at = now() + $3 * interval '1 millisecond'
          where replay_id = $1`,
        [replayId, actor, validMs]
      )
    },
    async start(replayId, ratePerSecond) {
      await sql.query(
        `update replay
            set state = 'running', started_at = now(), rate_per_second = $2, pace_next_at = now()
          where replay_id = $1`,
        [replayId, ratePerSecond]
      )
    },
    async pause(replayId, because) {
      await sql.query(`update replay set state = 'paused', paused_because = $2 where replay_id = $1`, [
        replayId,
        because
      ])
    },
    async resume(replayId, ratePerSecond, { tried, failing }) {
      await sql.query(
        `update replay
            set state = 'running', paused_because = null, rate_per_second = $2,
                pace_next_at = greatest(pace_next_at, now()), tried_before = $3, failing_before = $4
          where replay_id = $1`,
        [replayId, ratePerSecond, tried, failing]
      )
    },
    async end(replayId, state) {
      await sql.query('update replay set state = $2, paused_because = null, finished_at = now() where replay_id = $1', [
        replayId,
        state
      ])
    },
    async find(replayId) {
      const { rows } = await sql.query<Replay>(`select ${COLUMNS} from replay where replay_id = $1`, [replayId])
      return rows[0]
    },
    async list(limit) {
      const { rows } = await sql.query<Replay>(
        `select ${COLUMNS} from replay order by created_at desc, replay_id limit $1`,
        [limit]
      )
      return rows
    }
  }
}

const COLUMNS = `
       replay_id as "replayId", destination, mode, state, planned, records, created_at as "createdAt", actor, reason,
       filter, expires_at as "expiresAt", approval_needed as "approvalNeeded", approved_by as "approvedBy",
       rate_per_second as "ratePerSecond", paused_because as "pausedBecause", started_at as "startedAt",
       finished_at as "finishedAt"`

const LOCK = `
select ${COLUMNS},
       coalesce(expires_at <= now(), true) as "isExpired",
       json_build_object('tried', tried_before, 'failing', failing_before) as "judgedFrom"
  from replay
 where replay_id = $1
   for update`

const FIND_OPEN = `
select open.replay_id as "replayId", open.plan_sha256 is not distinct from this.plan_sha256 as "isSamePlan"
  from replay as open
  join replay as this on this.replay_id = $1
 where open.destination = $2
   and open.state in ('running', 'paused')`
