// Replays as the tables hold them: what was asked for, what a plan came to, and where one stands.
import type { VaccineType } from '../fhir/vaccine-types.js'

export type ReplayMode =
  /** Held deliveries, or those that wait for a retry: the same delivery, in its place, as a new series. */
  | 'retry'
  /** Records that the destination has: a new delivery of the current version, at the end of the lane. */
  | 'resend-latest'
  /** One delivery once more as it was. */
  | 'resend-exact'
  /** Records that the destination has never heard of, from the history. */
  | 'backfill'

export interface ReplayFilter {
  destination: string
  mode: ReplayMode
  /** Of a retry. `ready`: waiting for a later moment, after an attempt that failed. */
  states: readonly ('held' | 'ready')[]
  /**
   * From, and before. Of a retry and a resend: when the last attempt ended (a delivery that was never attempted counts
   * by its planning). Of a backfill: when the vaccination took place.
   */
  since?: Date
  until?: Date
  /** Of the last attempt: refused, unavailable, fault, crashed, expired, … */
  class?: string
  vaccineTypes?: readonly VaccineType[]
  record?: string
  /** Of resend-exact. */
  delivery?: string
  allowStale?: boolean
  /** The longest planned first. */
  limit?: number
}

export interface PlannedReplay {
  replayId: string
  planned: number
  /** More matched than one replay holds, or than its limit. */
  more: boolean
  records: number
  /** When the first and the last of the deliveries were planned (of a backfill: of the vaccinations). Null for none. */
  oldest: Date | null
  newest: Date | null
  byClass: Record<string, number>
  expiresAt: Date
  /** Why a second person must approve it: too many for one, or older than what the receiver has. */
  approvalNeeded: 'many' | 'stale' | null
}

export type ReplayState = 'planned' | 'running' | 'paused' | 'done' | 'cancelled'

export interface Replay {
  replayId: string
  destination: string
  mode: ReplayMode
  state: ReplayState
  planned: number
  records: number
  createdAt: Date
  /** Who planned it. */
  actor: string
  reason: string
  filter: Record<string, unknown>
  /** A plan is no longer started after this. */
  expiresAt: Date | null
  approvalNeeded: 'many' | 'stale' | null
  approvedBy: string | null
  /** Null until it starts. */
  ratePerSecond: number | null
  pausedBecause: string | null
  startedAt: Date | null
  /** Every item was attempted once more (or had ended already). */
  finishedAt: Date | null
}

export interface ReplayProgress {
  /** Not released yet: as they were before. */
  left: number
  /** Released, and not attempted to the end yet. */
  waiting: number
  /** Attempted without success, and tried again by itself. */
  retrying: number
  /** Behind an earlier version of the record. */
  blocked: number
  delivered: number
  /** Held again. */
  failed: number
  skipped: number
  /** Items that ended in the last half minute, a second. */
  endedPerSecond: number
}

export interface ReplayItem {
  deliveryId: string
  recordId: string | null
  /** Null: not released. */
  result: 'requeued' | 'delivered' | 'failed' | 'skipped' | null
  /** Why it was skipped. */
  reason: string | null
  /** Of the delivery, now; null where there is none yet. */
  state: string | null
  class: string | null
}
