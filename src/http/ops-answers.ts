// What the operations API answers: the contract between its routes and the command line.
import type { Diagnosis } from '../delivery/doctor.js'
import type { RecordExplanation } from '../delivery/explain.js'
import type { JudgedHealth } from '../delivery/judge-health.js'
import type { ProbeResult } from '../delivery/probe-destination.js'
import type { ShownReplay } from '../delivery/replay.js'
import type { ReplayPlan } from '../delivery/replay-acts.js'
import type { ShownLimits } from '../delivery/tune-destination.js'
import type { Verification } from '../delivery/verify.js'
import type { MergeEffect } from '../review/merge-patients.js'
import type { PatientStanding } from '../review/patient-merges.js'
import type { WeightsComparison } from '../review/compare-weights.js'
import type { Decided } from '../review/decide-pair.js'
import type { ShownPair } from '../review/duplicate-reviews.js'
import type { VerdictComparison } from '../ingest/compare-verdicts.js'
import type { Programme } from '../programmes/programme.js'
import type { DeliveryLine, DeliveryStory, StateCount } from '../storage/ops-delivery-queries.js'
import type { AttemptLine } from '../storage/ops-attempt-queries.js'
import type { ErrorGroup } from '../storage/ops-health-queries.js'
import type { OverdueAnswer, UnknownMessage } from '../storage/ops-inbox-queries.js'
import type { Replay } from '../storage/replay.js'
import type { ReviewCount, ReviewLine } from '../storage/review-store.js'
import type { AuditLine, Refusal, RefusalCount } from '../storage/ops-trail-queries.js'

export interface StatusAnswer extends JudgedHealth {
  at: Date
}

export type ExplainAnswer = RecordExplanation

export interface DeliveriesAnswer {
  counts: StateCount[]
  deliveries: DeliveryLine[]
  /** Give it as `after` for the next page; null on the last. */
  next: string | null
}

export type DeliveryAnswer = DeliveryStory

export interface ErrorsAnswer {
  since: Date
  until: Date
  groups: ErrorGroup[]
}

export interface RefusalsAnswer {
  since: Date
  until: Date
  counts: RefusalCount[]
  refusals: Omit<Refusal, 'place'>[]
  next: string | null
}

export interface InboxAnswer {
  overdue: OverdueAnswer[]
  unknown: UnknownMessage[]
}

export type SettledAnswer = { destination: string; settled: true } & ({ deliveryId: string } | { messageId: string })

export interface AuditAnswer {
  entries: Omit<AuditLine, 'place'>[]
  next: string | null
}

export interface ProgrammesAnswer {
  /** Of the set in force; the same files give the same version. */
  version: string
  loadedAt: Date
  /** Why the folder as it is now is not in force. */
  fault: { at: Date; message: string } | null
  programmes: {
    id: string
    version: string
    status: Programme['status']
    title: string
    vaccineType: string
    from: string
    to: string | null
    file: string
  }[]
}

export interface RehearsalAnswer extends Omit<VerdictComparison, 'next'> {
  /** Records there are to look at, this page and the others. */
  total: number
  /** Give it as `before` for the next page; null on the last. */
  next: string | null
}

export interface DestinationAnswer {
  destination: string
  state: 'active' | 'paused'
}

export type VerifyAnswer = Verification

export type DoctorAnswer = Diagnosis

export interface AttemptsAnswer {
  /** In the order in which they ended. */
  attempts: AttemptLine[]
  /** Give it as `after` the next time. Some may come again: delivery and epoch tell which. */
  next: Date
}

export interface BoardTicketAnswer {
  /** Opens the board once. */
  url: string
  until: Date
}

export type ProbeAnswer = ProbeResult

export type LimitsAnswer = ShownLimits

export interface BreakerAnswer {
  destination: string
  breaker: 'open' | 'closed'
}

export interface SkipAnswer {
  deliveryId: string
  state: 'cancelled'
  /** Whether a later version of the record goes now. */
  promoted: boolean
}

export type PlanAnswer = ReplayPlan

export interface ApproveAnswer {
  replayId: string
  state: 'planned'
  approvedBy: string
  /** It can be started until then. */
  expiresAt: Date
}

export interface StartAnswer {
  replayId: string
  state: 'running'
  planned: number
  ratePerSecond: number
}

export interface PauseAnswer {
  replayId: string
  state: 'paused'
}

export interface ResumeAnswer {
  replayId: string
  state: 'running'
  ratePerSecond: number
}

export interface CancelAnswer {
  replayId: string
  state: 'cancelled'
  /** Deliveries that stay as they were. */
  left: number
}

export interface ReplaysAnswer {
  replays: Replay[]
}

export type ReplayAnswer = ShownReplay

/** Patients are named by their keys, never by a number. */
export type PatientAnswer = PatientStanding

export type MergePlanAnswer = MergeEffect

export interface MergeAnswer extends MergeEffect {
  mergeId: string
}

export interface DuplicatesAnswer {
  counts: ReviewCount[]
  pairs: Omit<ReviewLine, 'place'>[]
  next: string | null
}

export type DuplicateAnswer = ShownPair

export interface DecisionAnswer extends Decided {
  /** True when this was said before; nothing was changed. */
  repeated: boolean
}

export interface WeightsAnswer extends Omit<WeightsComparison, 'next'> {
  currentVersion: string
  nextVersion: string
  /** Patients there are to look at, this page and the others. */
  total: number
  /** Give it as `after` for the next page; null on the last. */
  next: string | null
}

/** An answer after its way through JSON: moments are ISO 8601 text. */
export type Wire<Answer> = Answer extends Date
  ? string
  : Answer extends readonly (infer Item)[]
    ? Wire<Item>[]
    : Answer extends object
      ? { [Key in keyof Answer]: Wire<Answer[Key]> }
      : Answer
