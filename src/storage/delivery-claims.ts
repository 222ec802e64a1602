// ready, queued and verify -> in_flight: one worker takes deliveries for the length of a lease.
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { Delivery, DeliveryOperation } from './delivery.js'
import type { Sql } from './sql.js'

export interface ClaimRequest {
  destination: string
  deliveryIds: readonly string[]
  /** Shown as lease_owner and in the attempt. */
  worker: string
  leaseMs: number
  /**
   * The caller holds the lock of the destination's row and has looked at it itself (a rate, a probe). Without it
   * nothing is claimed of a destination that is paused, waits for a limit to pass, or whose breaker is open.
   */
  inTurn?: { probe: boolean }
}

export interface DeliveryClaims {
  /**
   * Of the given ids those that are due and that nobody else has. Ready ones are taken too: a fast worker may be ahead
   * of the relay, and waiting for the mark strands the delivery until a sweep (delivery.md, trap of 22 %).
   */
  claim(request: ClaimRequest): Promise<Delivery[]>
}

interface ClaimedRow {
  deliveryId: string
  destination: string
  recordId: string
  patientKey: string
  version: number
  operation: DeliveryOperation
  vaccineType: VaccineType
  supplier: string
  changedAt: Date
  body: string
  attempt: number
  epoch: number
  outcomeUnknown: boolean
  remoteId: string | null
  remoteVersion: string | null
  replaces: { recordId: string; version: string }[] | null
  toldBySuccessor: boolean
}

export function createDeliveryClaims(sql: Sql): DeliveryClaims {
  return {
    async claim({ destination, deliveryIds, worker, leaseMs, inTurn }) {
      if (deliveryIds.length === 0) return []
      const { rows } = await sql.query<ClaimedRow>(CLAIM, [
        destination,
        deliveryIds,
        worker,
        leaseMs,
        inTurn !== undefined,
        inTurn?.probe === true
      ])
      return rows.map(toDelivery)
    }
  }
}

// The attempt is inserted by the same statement, so an attempt whose process was killed leaves a row without an end.
const CLAIM = `
with picked as (
  select delivery_id, triggered_by
    from delivery
   where delivery_id = any ($2)
     and destination = $1
     and state in ('ready', 'queued', 'verify')
     and due_at <= now()
     and (
           $5
           or exists (
             select
               from destination
              where destination.destination = $1
                and destination.state = 'active'
                and destination.breaker_opened_at is null
                and (destination.resume_at is null or destination.resume_at <= now())
           )
         )
     for update skip locked
), claimed as (
  update delivery
     set state = 'in_flight', epoch = epoch + 1, queued_at = null, triggered_by = 'schedule',
         lease_until = now() + $4 * interval '1 millisecond', lease_owner = $3
    from picked
   where delivery.delivery_id = picked.delivery_id
  returning delivery.*, picked.triggered_by as trigger
), attempt as (
  insert into delivery_attempt (delivery_id, epoch, series, attempt, triggered_by, worker, started_at)
  select delivery_id, epoch, series, tries + 1, case when $6 then 'probe' else trigger end, $3, now()
    from claimed
)
select claimed.delivery_id as "deliveryId", claimed.destination, claimed.record_id as "recordId",
       claimed.patient_key as "patientKey", claimed.version, claimed.operation, record.vaccine_type as "vaccineType",
       record_version.supplier, record_version.received_at as "changedAt", claimed.tries + 1 as attempt, claimed.epoch,
       claimed.outcome_unknown as "outcomeUnknown",
       remote_record.remote_id as "remoteId", remote_record.remote_version as "remoteVersion",
       (
         select json_agg(json_build_object('recordId', earlier.record_id, 'version', remote.remote_version))
           from delivery as earlier
           join remote_record as remote
             on remote.destination = earlier.destination and remote.record_id = earlier.record_id
          where earlier.successor_id = claimed.delivery_id
            and earlier.takeover = 'replaced'
            and earlier.state = 'blocked'
            and remote.remote_version is not null
       ) as replaces,
       claimed.takeover is not distinct from 'replaced' and exists (
         select
           from delivery as successor
          where successor.delivery_id = claimed.successor_id
            and successor.last_class = 'delivered'
       ) as "toldBySuccessor",
       coalesce(
         record_version.body,
         (
           select earlier.body
             from record_version as earlier
            where earlier.record_id = claimed.record_id
              and earlier.version < claimed.version
              and earlier.body is not null
            order by earlier.version desc
            limit 1
         )
       ) as body
  from claimed
  join record on record.record_id = claimed.record_id
  join record_version on record_version.record_id = claimed.record_id and record_version.version = claimed.version
  left join remote_record
    on remote_record.destination = claimed.destination and remote_record.record_id = claimed.record_id
 order by claimed.due_at, claimed.delivery_id`

function toDelivery({ remoteId, remoteVersion, replaces, toldBySuccessor, ...delivery }: ClaimedRow): Delivery {
  const told = {
    ...delivery,
    ...(replaces === null ? {} : { replaces }),
    ...(toldBySuccessor ? { toldBySuccessor } : {})
  }
  if (remoteId === null) return told
  return { ...told, remote: { id: remoteId, ...(remoteVersion === null ? {} : { version: remoteVersion }) } }
}
