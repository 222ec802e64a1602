// Controls: a service that lacks one of the parts that keep the promises, to show that a campaign notices.
import { DELIVERY_POLICY, type DeliveryPolicy } from '../../src/delivery/policy.js'
import type { Pool } from '../../src/storage/pool.js'

export const CONTROLS = ['no-lanes', 'no-sweeps'] as const
export type Control = (typeof CONTROLS)[number]

const NEVER_MS = 1e12

/** The policy that the processes are started with; without sweeps nothing takes up again what a dead process had. */
export function policyUnder(
  control: Control | undefined,
  policy: DeliveryPolicy | undefined
): DeliveryPolicy | undefined {
  if (control !== 'no-sweeps') return policy
  const { relay, ...rest } = policy ?? DELIVERY_POLICY
  return { ...rest, relay: { ...relay, sweepMs: NEVER_MS, epochMs: NEVER_MS, repairMs: NEVER_MS } }
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
