// The live records of the event that a record belongs to, as they are stored: for the composed view.
import type { EventFingerprint } from '../dedup/fingerprint.js'
import type { MemberRole } from '../dedup/survivor.js'
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { Sql } from './sql.js'

export interface EventMember {
  recordId: string
  patientKey: string
  groupId: string
  role: MemberRole
  version: number
  lastUpdated: Date
  /** The Immunization as JSON text. */
  body: string
  fingerprint: EventFingerprint
}

/** Of these vaccine types only; empty for a record that is not known. */
export async function findEventMembers(
  sql: Sql,
  recordId: string,
  vaccineTypes: readonly VaccineType[]
): Promise<EventMember[]> {
  const { rows } = await sql.query<EventMember>(
    `select member.record_id as "recordId", member.patient_key as "patientKey", member.group_id as "groupId", member.role,
            version.version, version.received_at as "lastUpdated", version.body, print.features as fingerprint
       from event_group_member asked
       join event_group_member member on member.group_id = asked.group_id
       join record on record.record_id = member.record_id
       join record_version version
         on version.record_id = record.record_id and version.version = record.current_version
       join fingerprint print on print.record_id = record.record_id
      where asked.record_id = $1
        and not record.deleted
        and record.vaccine_type = any ($2)
      order by member.record_id`,
    [recordId, vaccineTypes]
  )
  return rows
}
