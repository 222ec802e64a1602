// Deliveries on their way: who may move one from which state to which. One delivery is one version of one record for
// one destination; the deliveries of a record to a destination are its lane, in the order of lane_seq.
//
// ready      its moment (due_at) comes or has come. Ring: queued. Claim: in_flight.
// verify     as ready, but an earlier attempt may have reached the receiver: the adapter asks before it sends.
// queued     a job was put into the queue for it. Claim: in_flight. Job lost, queue lost, destination closed: back to
//            ready (verify where the outcome is unknown).
// in_flight  one worker has it until lease_until. Finish, fenced by the epoch of the claim: delivered, held, or ready or
//            verify for later. Lease over: verify, and held after the third crash in a row.
// held       a person must look; it stays the head of its lane. Replay: ready or verify. Skip: cancelled.
// blocked    an earlier delivery of the lane has not ended. Whoever ends the head makes the lowest one ready, in the same
//            transaction and with the record locked: ingest holds that lock when it chooses between ready and blocked.
//            A delete may also wait for its successor, a delivery of another record: for a takeover until that one was
//            delivered, else until it was delivered or is held. Skipping a held successor cancels the takeovers.
// superseded never attempted, and no longer wanted: another record has taken over, or, where only the latest state is
//            sent, a later delivery of its lane (superseded_by). What waited for it waits for that delivery.
// delivered, superseded, cancelled   the end.
//
// ready, verify, queued, in_flight and held are live: one per lane (delivery_one_head_key). Locks are taken in the order
// record (by id), delivery (by id), destination. Every deadline is by the clock of the database.
import { createDeliveryClaims, type DeliveryClaims } from './delivery-claims.js'
import { createDeliveryEndings, type DeliveryEndings } from './delivery-endings.js'
import { createDeliveryLanes, type DeliveryLanes } from './delivery-lanes.js'
import { createDeliveryRing, type DeliveryRing } from './delivery-ring.js'
import { createDeliverySweeps, type DeliverySweeps } from './delivery-sweeps.js'
import type { Sql } from './sql.js'

export interface DeliveryStore extends DeliveryRing, DeliveryClaims, DeliveryEndings, DeliveryLanes, DeliverySweeps {}

export function createDeliveryStore(sql: Sql): DeliveryStore {
  return {
    ...createDeliveryRing(sql),
    ...createDeliveryClaims(sql),
    ...createDeliveryEndings(sql),
    ...createDeliveryLanes(sql),
    ...createDeliverySweeps(sql)
  }
}
