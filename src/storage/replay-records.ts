// Records as a resend or a backfill looks at them when their turn has come.
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { DeliveryOperation } from './delivery.js'
import type { Sql } from './sql.js'

export interface ReplayRecord {
  recordId: string
  patientKey: string
  vaccineType: VaccineType
  deleted: boolean
  currentVersion: number
  /** Operation of each version, from the first. */
  operations: DeliveryOperation[]
  /** Of the deliveries to the destination that were neither given up nor overtaken. */
  lane: { version: number; operation: DeliveryOperation; isDelivered: boolean }[]
  /** It counts, or stands alone. */
  isSurvivor: boolean
  /** JSON text of the current version; null when it is deleted. */
  body: string | null
}

export interface ReplayRecords {
  /** The caller holds the locks of the records. */
  readRecords(destination: string, recordIds: readonly string[]): Promise<Map<string, ReplayRecord>>
}

export function createReplayRecords(sql: Sql): ReplayRecords {
  return {
    async readRecords(destination, recordIds) {
      const { rows } = await sql.query<ReplayRecord>(READ_RECORDS, [destination, recordIds])
      return new Map(rows.map((row) => [row.recordId, row]))
    }
  }
}

const READ_RECORDS = `
select record.record_id as "recordId", record.patient_key as "patientKey", record.vaccine_type as "vaccineType",
       record.deleted, record.current_version as "currentVersion", current.body,
       (
         select json_agg(operation order by version)
           from record_version
          where record_version.record_id = record.record_id
       ) as operations,
       coalesce(
         (
           select json_agg(
                    json_build_object('version', version, 'operation', operation, 'isDelivered', state = 'delivered')
                    order by lane_seq
                  )
             from delivery
            where delivery.record_id = record.record_id
              and delivery.destination = $1
              and delivery.state not in ('superseded', 'cancelled')
         ),
         '[]'
       ) as lane,
       coalesce(
         (
           select event_group.survivor_record_id = record.record_id
             from event_group_member
             join event_group using (group_id)
            where event_group_member.record_id = record.record_id
         ),
         true
       ) as "isSurvivor"
  from record
  join record_version as current
    on current.record_id = record.record_id and current.version = record.current_version
 where record.record_id = any ($2)`
