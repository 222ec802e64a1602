// What people do to replays, what they are answered, and what that takes.
import type { AuditEntry } from '../storage/audit-store.js'
import type { Database, Stores } from '../storage/database.js'
import type { PlannedReplay } from '../storage/replay.js'
import type { Destination } from './destination.js'
import type { DeliveryPolicy } from './policy.js'
import type { Refused } from './replay-refusal.js'

export interface ReplayPlan extends PlannedReplay {
  /** Unless the start asks for another. */
  ratePerSecond: number
  /** All that the destination takes. */
  mostPerSecond: number
  /** At that rate, if the destination answers. */
  estimatedSeconds: number
}

export type PlanAnswer = { kind: 'planned'; plan: ReplayPlan } | Refused
export type ApproveAnswer = { kind: 'approved'; expiresAt: Date } | Refused
export type StartAnswer = { kind: 'started'; planned: number; ratePerSecond: number } | Refused
export type PauseAnswer = { kind: 'paused' } | Refused
export type ResumeAnswer = { kind: 'resumed'; ratePerSecond: number } | Refused
export type CancelAnswer = { kind: 'cancelled'; left: number } | Refused
export type SkipAnswer = { kind: 'skipped'; promoted: boolean } | Refused

export interface Acting {
  actor: string
}

export interface ActingFor extends Acting {
  reason: string
}

export interface ReplayDeps {
  database: Database
  destinations: readonly Pick<Destination, 'name' | 'ratePerSecond'>[]
  policy: Pick<DeliveryPolicy, 'replay'>
  now: () => Date
  /** Of this process: every act is audited in its own transaction. */
  auditChainId: string
  /** There is something to release: a relay in this process need not wait for its next look. */
  onRequeued?: () => void
}

export function auditReplay(
  deps: Pick<ReplayDeps, 'auditChainId' | 'now'>,
  stores: Pick<Stores, 'audit'>,
  entry: Omit<AuditEntry, 'at'>
): Promise<void> {
  return stores.audit.append(deps.auditChainId, [{ at: deps.now(), ...entry }])
}
