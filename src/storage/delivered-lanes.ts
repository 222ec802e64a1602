// Records that a destination should hold as they are here: for comparing with what it holds.
import type { Delivery, DeliveryOperation } from './delivery.js'
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { Sql } from './sql.js'

export interface DeliveredLanesFilter {
  destination: string
  /** Delivered at or after. */
  since: Date
  recordId?: string
  limit: number
}

export interface DeliveredLanes {
  /**
   * The last delivery of lanes in which nothing is on its way, chosen by chance. As a claim gives it, but for the
   * attempt: nothing is claimed.
   */
  sampleDelivered(filter: DeliveredLanesFilter): Promise<Delivery[]>
}

interface Row {
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
  epoch: number
  remoteId: string | null
  remoteVersion: string | null
}

export function createDeliveredLanes(sql: Sql): DeliveredLanes {
  return {
    async sampleDelivered({ destination, since, recordId, limit }) {
      const { rows } = await sql.query<Row>(SAMPLE, [destination, since, recordId ?? null, limit])
      return rows.map(({ remoteId, remoteVersion, ...row }) => ({
        ...row,
        attempt: 1,
        outcomeUnknown: false,
        ...(remoteId === null
          ? {}
          : { remote: { id: remoteId, ...(remoteVersion === null ? {} : { version: remoteVersion }) } })
      }))
    }
  }
}

const SAMPLE = `
with lately as (
  select distinct delivery.record_id
    from delivery_attempt attempt
    join delivery using (delivery_id)
   where attempt.started_at >= $2
     and attempt.outcome = 'delivered'
     and delivery.destination = $1
     and ($3::uuid is null or delivery.record_id = $3)
), picked as (
  select record_id
    from lately
   order by random()
   limit $4
)
select last.delivery_id as "deliveryId", last.destination, last.record_id as "recordId",
       last.patient_key as "patientKey", last.version, last.operation, record.vaccine_type as "vaccineType",
       version.supplier, version.received_at as "changedAt", last.epoch,
       remote_record.remote_id as "remoteId", remote_record.remote_version as "remoteVersion",
       coalesce(
         version.body,
         (
           select earlier.body
             from record_version earlier
            where earlier.record_id = last.record_id
              and earlier.version < last.version
              and earlier.body is not null
            order by earlier.version desc
            limit 1
         )
       ) as body
  from picked
 cross join lateral (
         select *
           from delivery
          where delivery.destination = $1
            and delivery.record_id = picked.record_id
          order by lane_seq desc
          limit 1
       ) last
  join record on record.record_id = last.record_id
  join record_version version on version.record_id = last.record_id and version.version = last.version
  left join remote_record
    on remote_record.destination = last.destination and remote_record.record_id = last.record_id
 where last.state = 'delivered'
   and last.last_class = 'delivered'
 order by last.record_id`
