// The one delivery that a person lets through a closed door.
import type { Sql } from './sql.js'

export interface DeliveryProbes {
  /** Somebody's probe is being sent, or its lease is not over. */
  isProbeUnderWay(destination: string): Promise<boolean>
  /**
   * The head that was tried least, made due now, locked until the transaction ends; undefined when none waits. One whose
   * outcome is unknown is left its time of rest.
   */
  pickProbe(destination: string): Promise<string | undefined>
}

export function createDeliveryProbes(sql: Sql): DeliveryProbes {
  return {
    async isProbeUnderWay(destination) {
      const { rows } = await sql.query(
        `select 1
           from delivery
           join delivery_attempt attempt using (delivery_id, epoch)
          where delivery.destination = $1
            and delivery.state = 'in_flight'
            and attempt.triggered_by = 'probe'
          limit 1`,
        [destination]
      )
      return rows.length > 0
    },
    async pickProbe(destination) {
      const { rows } = await sql.query<{ deliveryId: string }>(PICK, [destination])
      return rows[0]?.deliveryId
    }
  }
}

const PICK = `
with picked as (
  select delivery_id
    from delivery
   where destination = $1
     and (state in ('ready', 'queued') or (state = 'verify' and due_at <= now()))
   order by tries, due_at, delivery_id
   limit 1
     for update skip locked
)
update delivery
   set due_at = least(due_at, now())
  from picked
 where delivery.delivery_id = picked.delivery_id
returning delivery.delivery_id as "deliveryId"`
