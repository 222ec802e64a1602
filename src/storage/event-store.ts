// Fingerprints and event groups of patients: what deduplication compares, and which records are one event.
import { countEvents, type CountedEvent } from '../dedup/count-events.js'
import type { EventFingerprint } from '../dedup/fingerprint.js'
import type { MemberRole } from '../dedup/survivor.js'
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { Sql } from './sql.js'

/** One record of a patient as deduplication sees it. */
export interface KnownEvent {
  recordId: string
  patientKey: string
  /** YYYY-MM-DD, Europe/London. */
  day: string
  vaccineType: VaccineType
  antigens: string[]
  deleted: boolean
  groupId: string
  isSurvivor: boolean
  fingerprint: EventFingerprint
}

export interface GroupWrite {
  groupId: string
  patientKey: string
  anchorRecordId: string
  /** Null when no member counts any more. */
  survivorRecordId: string | null
  members: readonly { recordId: string; role: MemberRole }[]
}

export interface EventStore {
  /** Every record of these patients with its group, ordered by patient and day. */
  findEvents(patientKeys: readonly string[]): Promise<KnownEvent[]>
  /** Every record that is in an event group with one of these, themselves included. Nothing is locked. */
  findMates(recordIds: readonly string[]): Promise<string[]>
  writeGroups(groups: readonly GroupWrite[]): Promise<void>
  /** The completed survivors of a patient as they stand, of every vaccine type; the key of a superseded number as below. */
  readSurvivors(patientKey: string): Promise<(CountedEvent & { recordId: string; body: string })[]>
  /**
   * Days of the completed survivors of a patient for these vaccine types, with a number that rises on every change; groups
   * of which a person is still to say whether they are one count `once` or `each`. The key of a superseded number leads to
   * its successor.
   */
  readTotals(
    patientKey: string,
    vaccineTypes: readonly VaccineType[],
    possibleDuplicates?: 'once' | 'each'
  ): Promise<{
    nhsNumber?: string
    supersededNumbers: string[]
    eventDays: string[]
    sourceVersion: number
    /** Pairs of groups, of any vaccine type, that count once; none for `each`. */
    undecided: [string, string][]
  }>
}

export function createEventStore(sql: Sql): EventStore {
  return {
    async findEvents(patientKeys) {
      if (patientKeys.length === 0) return []
      const { rows } = await sql.query<EventRow>(
        // Materialised: the patients' few rows first, whatever the planner believes of a table it never analysed.
        `with print as materialized (
           select record_id, patient_key, occurrence_day, antigens, features
             from fingerprint
            where patient_key = any ($1)
         )
         select print.record_id, print.patient_key, print.occurrence_day, print.antigens, print.features,
                record.vaccine_type, record.deleted, member.group_id,
                grouped.survivor_record_id = print.record_id as is_survivor
           from print
           join record using (record_id)
           join event_group_member member using (record_id)
           join event_group grouped on grouped.group_id = member.group_id
          order by print.patient_key, print.occurrence_day, print.record_id`,
        [patientKeys]
      )
      return rows.map(toEvent)
    },

    async findMates(recordIds) {
      if (recordIds.length === 0) return []
      const { rows } = await sql.query<{ record_id: string }>(
        `select distinct mate.record_id
           from event_group_member own
           join event_group_member mate on mate.group_id = own.group_id
          where own.record_id = any ($1)`,
        [recordIds]
      )
      return rows.map((row) => row.record_id)
    },

    async writeGroups(groups) {
      if (groups.length === 0) return
      await sql.query(WRITE_GROUPS, [
        JSON.stringify(groups.map(toGroupRow)),
        JSON.stringify(groups.flatMap(toMemberRows))
      ])
    },

    async readSurvivors(patientKey) {
      return (await sql.query<CountedEvent & { recordId: string; body: string }>(READ_SURVIVORS, [patientKey])).rows
    },

    async readTotals(patientKey, vaccineTypes, possibleDuplicates = 'once') {
      const { rows } = await sql.query<TotalsRow>(
        `select patient.nhs_number,
                array(select nhs_number from patient other where other.merged_into = patient.patient_key) as superseded,
                coalesce(
                  json_agg(
                    json_build_object(
                      'groupId', grouped.group_id,
                      'day', to_char(record.occurrence_day, 'YYYY-MM-DD')
                    )
                  )
                    filter (where record.status = 'completed' and not record.deleted
                              and record.vaccine_type = any ($2)),
                  '[]'
                ) as events,
                array(
                  select array[member_a.group_id, member_b.group_id]
                    from pair_decision pair
                    join event_group_member member_a on member_a.record_id = pair.record_a
                    join event_group_member member_b on member_b.record_id = pair.record_b
                   where pair.patient_key = patient.patient_key
                     and pair.outcome = 'possible'
                     and pair.decided_by = 'system'
                ) as undecided,
                patient.source_version_base + coalesce(sum(grouped.revision), 0)::integer as source_version
           from patient asked
           join patient on patient.patient_key = coalesce(asked.merged_into, asked.patient_key)
           left join event_group grouped on grouped.patient_key = patient.patient_key
           left join record on record.record_id = grouped.survivor_record_id
          where asked.patient_key = $1
          group by patient.patient_key`,
        [patientKey, vaccineTypes]
      )
      const row = rows[0]
      if (row === undefined) throw new Error(`patient ${patientKey} is not known`)
      const undecided = possibleDuplicates === 'once' ? row.undecided : []
      return {
        supersededNumbers: row.superseded,
        eventDays: countEvents(row.events, undecided),
        undecided,
        sourceVersion: row.source_version,
        ...(row.nhs_number === null ? {} : { nhsNumber: row.nhs_number })
      }
    }
  }
}

const READ_SURVIVORS = `
select record.record_id as "recordId", grouped.group_id as "groupId",
       to_char(record.occurrence_day, 'YYYY-MM-DD') as day, made.body
  from patient asked
  join event_group grouped on grouped.patient_key = coalesce(asked.merged_into, asked.patient_key)
  join record on record.record_id = grouped.survivor_record_id
  join record_version made on made.record_id = record.record_id and made.version = record.current_version
 where asked.patient_key = $1
   and record.status = 'completed'
   and not record.deleted
   and made.body is not null
 order by record.occurrence_from, record.record_id`

const WRITE_GROUPS = `
with grouped as (
  insert into event_group (group_id, patient_key, anchor_record_id, survivor_record_id)
  select group_id, patient_key, anchor_record_id, survivor_record_id
    from json_to_recordset($1) as written (
           group_id uuid, patient_key uuid, anchor_record_id uuid, survivor_record_id uuid
         )
      on conflict (group_id) do update
     set patient_key = excluded.patient_key,
         anchor_record_id = excluded.anchor_record_id,
         survivor_record_id = excluded.survivor_record_id,
         revision = event_group.revision + 1,
         updated_at = now()
), changed as (
  -- What is known of records elsewhere is compared again afterwards.
  update elsewhere_lookup
     set wants = 'regroup', due_at = now()
   where wants is null
     and patient_key in (select patient_key from json_to_recordset($1) as written (patient_key uuid))
)
insert into event_group_member (record_id, group_id, patient_key, role)
select record_id, group_id, patient_key, role
  from json_to_recordset($2) as written (record_id uuid, group_id uuid, patient_key uuid, role text)
    on conflict (record_id) do update
   set group_id = excluded.group_id,
       patient_key = excluded.patient_key,
       role = excluded.role`

interface TotalsRow {
  nhs_number: string | null
  superseded: string[]
  events: CountedEvent[]
  undecided: [string, string][]
  source_version: number
}

export interface EventRow {
  record_id: string
  patient_key: string
  occurrence_day: string
  antigens: string[]
  features: EventFingerprint
  vaccine_type: VaccineType
  deleted: boolean
  group_id: string
  is_survivor: boolean | null
}

export function toEvent(row: EventRow): KnownEvent {
  return {
    recordId: row.record_id,
    patientKey: row.patient_key,
    day: row.occurrence_day,
    vaccineType: row.vaccine_type,
    antigens: row.antigens,
    deleted: row.deleted,
    groupId: row.group_id,
    isSurvivor: row.is_survivor === true,
    fingerprint: row.features
  }
}

function toGroupRow(group: GroupWrite): object {
  return {
    group_id: group.groupId,
    patient_key: group.patientKey,
    anchor_record_id: group.anchorRecordId,
    survivor_record_id: group.survivorRecordId
  }
}

function toMemberRows(group: GroupWrite): object[] {
  return group.members.map(({ recordId, role }) => ({
    record_id: recordId,
    group_id: group.groupId,
    patient_key: group.patientKey,
    role
  }))
}
