// Controls: a service that lacks one of the parts that keep the promises, to show that a campaign notices.
import { DELIVERY_POLICY, type DeliveryPolicy } from '../../src/delivery/policy.js'
import type { Pool } from '../../src/storage/pool.js'
import type { PlannedFault, PlanOptions } from './plan-faults.js'
import type { Profile } from './profiles.js'

export const CONTROLS = ['no-lanes', 'no-sweeps'] as const
export type Control = (typeof CONTROLS)[number]

const NEVER_MS = 1e12

/**
 * The policy that the processes are started with; without sweeps nothing takes up again what a dead process or a lost queue
 * had. The sweeps run, and whatever they look for is never old enough: a relay that is started again sweeps at once, so
 * that their period alone would switch nothing off. For the same reason a lost queue is still noticed at that moment.
 */
export function policyUnder(
  control: Control | undefined,
  policy: DeliveryPolicy | undefined
): DeliveryPolicy | undefined {
  if (control !== 'no-sweeps') return policy
  const { relay, attempt, ...rest } = policy ?? DELIVERY_POLICY
  return {
    ...rest,
    relay: { ...relay, epochMs: NEVER_MS, staleQueuedMs: NEVER_MS, lostQueuedMs: NEVER_MS },
    attempt: { ...attempt, leaseMarginMs: NEVER_MS }
  }
}

/**
 * What the part that is missing is there for, so that a short campaign needs no luck to find its loss: workers that die while
 * every receiver is slow leave deliveries claimed, and receivers that were away, and then answer unevenly, get versions of a
 * record that waited together.
 */
export function faultsOf(
  control: Control | undefined,
  { durationMs, counts, profile }: Pick<PlanOptions, 'durationMs' | 'counts'> & { profile: Profile }
): PlannedFault[] {
  const { destinations, timeoutMs } = profile
  const all = (atMs: number, forMs: number, setting: Record<string, unknown>): PlannedFault[] =>
    destinations.map((destination) => ({ atMs, fault: { kind: 'receiver', destination, setting, forMs } }))
  switch (control) {
    case undefined:
      return []
    case 'no-lanes': {
      const forMs = Math.min(durationMs, 10_000)
      const uneven = { mode: 'random', seed: 1, rates: { slow: 0.5 }, delayMs: Math.round(timeoutMs / 4) }
      return [...all(durationMs - forMs, forMs, { mode: 'down' }), ...all(durationMs + 500, 2 * timeoutMs, uneven)]
    }
    case 'no-sweeps': {
      const slow = { mode: 'slow', when: 'before', delayMs: Math.round(timeoutMs / 2) }
      const deaths = (atMs: number): PlannedFault[] =>
        Array.from({ length: counts.worker }, (_, place) => ({ atMs, fault: { kind: 'kill', role: 'worker', place } }))
      // Twice: a process that is just starting is left alone.
      return [durationMs / 2, durationMs].flatMap((atMs) => [
        ...all(atMs, 2 * timeoutMs, slow),
        ...deaths(atMs + timeoutMs)
      ])
    }
  }
}

/** Several versions of a record may go to a destination at once. */
export async function dropLanes(pool: Pool): Promise<void> {
  await pool.query('drop index delivery_one_head_key')
  await pool.query(`
create function never_blocked() returns trigger language plpgsql as $$
begin
  if new.state = 'blocked' then
    new.state := 'ready';
  end if;
  return new;
end
$$`)
  await pool.query(`
create trigger delivery_never_blocked before insert on delivery
  for each row execute function never_blocked()`)
}
