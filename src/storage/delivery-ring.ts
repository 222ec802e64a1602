// ready and verify -> queued, and back: what the relay marks before it puts a job into the queue.
import type { Sql } from './sql.js'

export interface RungDelivery {
  destination: string
  deliveryId: string
}

export interface DeliveryRing {
  /**
   * Marks due deliveries as queued, the longest due first, so many that no destination has more than `window` queued;
   * of one whose breaker has just closed, so many that no more than its slow start allows are queued and in flight.
   * Leaves out destinations that are paused, that wait for a limit to pass, or whose breaker is open. Two relays in the
   * same instant may pass the window by one ring; no delivery is given to both.
   */
  ring(destinations: readonly string[], window: number): Promise<RungDelivery[]>
  /**
   * One delivery for each destination whose breaker is open and has waited long enough. The least tried goes first: a
   * record that the receiver always fails on must not keep the breaker open for the others.
   */
  ringProbes(destinations: readonly string[]): Promise<RungDelivery[]>
  /** Queued deliveries go back to ready (verify where the outcome is unknown), due as before. Gives how many. */
  handBack(deliveryIds: readonly string[]): Promise<number>
  /** The same for whatever is queued anywhere: the queue has lost its jobs. */
  handBackAll(): Promise<number>
  /** The same for what a destination has had queued for longer than this. */
  handBackOlder(destination: string, olderThanMs: number): Promise<number>
}

export function createDeliveryRing(sql: Sql): DeliveryRing {
  const handBackWhere = async (condition: string, values: readonly unknown[]): Promise<number> => {
    const { rowCount } = await sql.query(`${HAND_BACK} and ${condition}`, values)
    return rowCount
  }
  return {
    async ring(destinations, window) {
      const { rows } = await sql.query<RungDelivery>(RING, [destinations, window])
      return rows
    },
    async ringProbes(destinations) {
      const { rows } = await sql.query<RungDelivery>(RING_PROBES, [destinations])
      return rows
    },
    handBack: (deliveryIds) => handBackWhere('delivery_id = any ($1)', [deliveryIds]),
    handBackAll: () => handBackWhere('true', []),
    handBackOlder: (destination, olderThanMs) =>
      handBackWhere(`destination = $1 and queued_at < now() - $2 * interval '1 millisecond'`, [
        destination,
        olderThanMs
      ])
  }
}

const RING = `
with room as (
  select destination.destination,
         least($2::integer, destination.slow_start) - (
           select count(*)
             from delivery
            where delivery.destination = destination.destination
              and delivery.state = 'queued'
         ) - case
           when destination.slow_start is null then 0
           else (
             select count(*)
               from delivery
              where delivery.destination = destination.destination
                and delivery.state = 'in_flight'
           )
         end as credit
    from destination
   where destination.destination = any ($1)
     and destination.state = 'active'
     and destination.breaker_opened_at is null
     and (destination.resume_at is null or destination.resume_at <= now())
), picked as (
  select due.delivery_id, due.due_at
    from room
   cross join lateral (
           select delivery_id, due_at
             from delivery
            where delivery.destination = room.destination
              and delivery.state in ('ready', 'verify')
              and delivery.due_at <= now()
            order by due_at
            limit greatest(room.credit, 0)
              for update skip locked
         ) as due
), rung as (
  update delivery
     set state = 'queued', queued_at = now()
    from picked
   where delivery.delivery_id = picked.delivery_id
  returning delivery.destination, delivery.delivery_id, picked.due_at
)
select destination, delivery_id as "deliveryId"
  from rung
 order by due_at, delivery_id`

const RING_PROBES = `
with half_open as (
  select destination.destination
    from destination
   where destination.destination = any ($1)
     and destination.state = 'active'
     and destination.breaker_opened_at is not null
     and (destination.resume_at is null or destination.resume_at <= now())
     and not exists (
           select
             from delivery
            where delivery.destination = destination.destination
              and delivery.state = 'queued'
         )
), picked as (
  select due.delivery_id
    from half_open
   cross join lateral (
           select delivery_id
             from delivery
            where delivery.destination = half_open.destination
              and delivery.state in ('ready', 'verify')
              and delivery.due_at <= now()
            order by tries, due_at
            limit 1
              for update skip locked
         ) as due
)
update delivery
   set state = 'queued', queued_at = now()
  from picked
 where delivery.delivery_id = picked.delivery_id
returning delivery.destination, delivery.delivery_id as "deliveryId"`

const HAND_BACK = `
update delivery
   set state = case when outcome_unknown then 'verify' else 'ready' end, queued_at = null
 where state = 'queued'`
