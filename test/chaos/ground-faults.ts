// Faults of what the service stands on, while all of its processes go on: a Redis that is full or has forgotten some
// jobs, jobs that come a hundred times, a PostgreSQL without room or with a transaction that does not end, and the line
// between a supplier and the Hub.
import type { PlanOptions } from './plan-faults.js'

export type GroundFault =
  /** CONFIG SET maxmemory under noeviction: every write is refused. */
  | { kind: 'redis-full'; forMs: number }
  /** Jobs vanish, each with one chance in two, as when a replica that lagged took over. */
  | { kind: 'redis-tail'; forMs: number }
  /** A hundred more jobs for the newest deliveries of each destination, whatever has become of them. */
  | { kind: 'duplicate-jobs' }
  /** Somebody forgets to commit: with a snapshot, or with locks on the newest records and deliveries. */
  | { kind: 'open-transaction'; holds: 'snapshot' | 'rows'; forMs: number }
  /** No file of a table or an index can grow. */
  | { kind: 'disk-full'; forMs: number }
  /** The line breaks when an answer of the Hub is on it: the write is committed, and the supplier does not know. */
  | { kind: 'answers-cut'; forMs: number }

export function groundFaultMakers(
  { engine, profile }: Pick<PlanOptions, 'engine' | 'profile'>,
  between: (range: readonly [number, number]) => number
): (() => GroundFault)[] {
  const outage = (): number => Math.round(between(profile.outageMs))
  // Less than a supplier's patience.
  const short = (): number => Math.round(outage() / 3)
  const redis: (() => GroundFault)[] = [
    () => ({ kind: 'redis-full', forMs: outage() }),
    () => ({ kind: 'redis-tail', forMs: outage() })
  ]
  return [
    () => ({ kind: 'duplicate-jobs' }),
    () => ({ kind: 'open-transaction', holds: 'snapshot', forMs: outage() }),
    () => ({ kind: 'open-transaction', holds: 'rows', forMs: short() }),
    () => ({ kind: 'disk-full', forMs: short() }),
    () => ({ kind: 'answers-cut', forMs: short() }),
    ...(engine === 'redis' ? redis : [])
  ]
}

export function nameGroundFault(fault: GroundFault): string {
  switch (fault.kind) {
    case 'redis-full':
      return 'Redis full'
    case 'redis-tail':
      return 'Redis lost some jobs'
    case 'duplicate-jobs':
      return 'jobs a hundred times'
    case 'open-transaction':
      return fault.holds === 'snapshot' ? 'transaction with a snapshot' : 'transaction with row locks'
    case 'disk-full':
      return 'PostgreSQL without disk'
    case 'answers-cut':
      return 'answers cut off'
  }
}
