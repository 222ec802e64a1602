// in_flight -> verify or held, when the worker has died: what nobody finishes is taken up again.
import type { Sql } from './sql.js'

export interface SweptDelivery {
  deliveryId: string
  destination: string
  state: 'verify' | 'held'
}

export interface DeliverySweeps {
  /**
   * in_flight whose lease is over -> verify, because the receiver may have it; after `maxCrashes` in a row -> held:
   * a payload that kills its worker must not kill them all. At most `limit`, the oldest first.
   */
  sweepLeases(maxCrashes: number, limit: number): Promise<SweptDelivery[]>
}

export function createDeliverySweeps(sql: Sql): DeliverySweeps {
  return {
    async sweepLeases(maxCrashes, limit) {
      const { rows } = await sql.query<SweptDelivery>(SWEEP_LEASES, [maxCrashes, limit])
      return rows
    }
  }
}

const SWEEP_LEASES = `
with lost as (
  select delivery_id
    from delivery
   where state = 'in_flight'
     and lease_until < now()
   order by lease_until
   limit $2
     for update skip locked
)
update delivery
   set state = case when crash_count + 1 >= $1 then 'held' else 'verify' end,
       crash_count = crash_count + 1, outcome_unknown = true, due_at = now(),
       lease_until = null, lease_owner = null,
       last_attempt_at = now(), last_class = 'crashed', last_status = null,
       last_message = 'The worker ' || lease_owner || ' did not finish within its lease (time '
         || (crash_count + 1) || ' in a row)'
  from lost
 where delivery.delivery_id = lost.delivery_id
returning delivery.delivery_id as "deliveryId", delivery.destination, delivery.state`
