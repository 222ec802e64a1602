// Look-ups of a patient's records in a register elsewhere, and what was found there.
import type { Attachment } from '../dedup/attach-elsewhere.js'
import type { EventFingerprint } from '../dedup/fingerprint.js'
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { Sql } from './sql.js'

export interface LookUpKey {
  patientKey: string
  vaccineType: VaccineType
}

export interface ClaimedLookUp extends LookUpKey {
  nhsNumber: string
  /** `regroup`: what is known is compared again, nobody is asked. */
  wants: 'look' | 'regroup'
  /** Tells the present claim from one whose lease is over. */
  epoch: number
  tries: number
}

export interface ElsewhereRecord {
  patientKey: string
  source: string
  identifier: { system: string; value: string }
  /** What the register calls it. */
  remoteId: string
  vaccineType: VaccineType
  fingerprint: EventFingerprint
  foundAt: Date
  attached?: Attachment
}

export interface ElsewhereStore {
  /** In the transaction that makes the versions. What was looked up less than `freshMs` ago waits for that long. */
  request(keys: readonly LookUpKey[], freshMs: number): Promise<void>
  /** Those that are due, the oldest first; for the time of the lease nobody else gets them. */
  claim(options: { limit: number; leaseMs: number; mayAsk: boolean }): Promise<ClaimedLookUp[]>
  /** False when it is no longer the caller's. */
  finish(lookUp: ClaimedLookUp): Promise<boolean>
  /** To be tried again after `waitMs`. `problem`: what went wrong; undefined when nothing was tried. */
  postpone(lookUp: ClaimedLookUp, waitMs: number, problem?: string): Promise<void>
  /** Of these identifiers, the ones of our own records, deleted ones too: as `system|value`. */
  findOurs(identifiers: readonly ElsewhereRecord['identifier'][]): Promise<Set<string>>
  findOfPatient(patientKey: string): Promise<ElsewhereRecord[]>
  /** All that is known of a patient, from now on; groups whose records elsewhere have changed get a new revision. */
  replaceOfPatient(
    patientKey: string,
    records: readonly ElsewhereRecord[],
    changedGroupIds: readonly string[]
  ): Promise<void>
}

export function createElsewhereStore(sql: Sql): ElsewhereStore {
  return {
    async request(keys, freshMs) {
      if (keys.length === 0) return
      const distinct = new Map(keys.map((key) => [`${key.patientKey} ${key.vaccineType}`, key]))
      const sorted = [...distinct].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key)
      await sql.query(REQUEST, [
        sorted.map(({ patientKey }) => patientKey),
        sorted.map(({ vaccineType }) => vaccineType),
        freshMs
      ])
    },
    async claim({ limit, leaseMs, mayAsk }) {
      return (await sql.query<ClaimedLookUp>(CLAIM, [limit, leaseMs, mayAsk])).rows
    },
    async finish(lookUp) {
      const { rowCount } = await sql.query(
        `update elsewhere_lookup
            set wants = null, tries = 0, problem = null,
                looked_at = case when wants = 'look' then now() else looked_at end
          where ${STILL_OURS}`,
        keyOf(lookUp)
      )
      return rowCount === 1
    },
    async postpone(lookUp, waitMs, problem) {
      await sql.query(
        `update elsewhere_lookup
            set due_at = now() + $5 * interval '1 millisecond',
                tries = tries + case when $6::text is null then 0 else 1 end,
                problem = coalesce($6, problem)
          where ${STILL_OURS}`,
        [...keyOf(lookUp), waitMs, problem ?? null]
      )
    },
    async findOurs(identifiers) {
      if (identifiers.length === 0) return new Set()
      const { rows } = await sql.query<{ name: string }>(
        `select wanted.system || '|' || wanted.value as name
           from unnest($1::text[], $2::text[]) as wanted (system, value)
          where exists (
                  select
                    from record
                   where identifier_system = wanted.system and identifier_value = wanted.value
                )`,
        [identifiers.map(({ system }) => system), identifiers.map(({ value }) => value)]
      )
      return new Set(rows.map(({ name }) => name))
    },
    async findOfPatient(patientKey) {
      return (await sql.query<RecordRow>(FIND, [patientKey])).rows.map(toRecord)
    },
    async replaceOfPatient(patientKey, records, changedGroupIds) {
      await sql.query('delete from elsewhere_record where patient_key = $1', [patientKey])
      if (records.length > 0) await sql.query(INSERT, [JSON.stringify(records.map(toRow))])
      if (changedGroupIds.length === 0) return
      await sql.query(
        `update event_group
            set revision = revision + 1, updated_at = now()
          where group_id = any ($1)`,
        [changedGroupIds]
      )
    }
  }
}

// Groups that change, and a supplier who asks, may make another task of it meanwhile: that one is done next.
const STILL_OURS = `patient_key = $1 and vaccine_type = $2 and epoch = $3 and wants = $4`

function keyOf({ patientKey, vaccineType, epoch, wants }: ClaimedLookUp): unknown[] {
  return [patientKey, vaccineType, epoch, wants]
}

const REQUEST = `
insert into elsewhere_lookup (patient_key, vaccine_type, wants)
select patient_key, vaccine_type, 'look'
  from unnest($1::uuid[], $2::text[]) as asked (patient_key, vaccine_type)
    on conflict (patient_key, vaccine_type) do update
   set wants = 'look',
       due_at = greatest(now(), elsewhere_lookup.looked_at + $3 * interval '1 millisecond')
 where elsewhere_lookup.wants is distinct from 'look'`

const CLAIM = `
with due as (
  select patient_key, vaccine_type
    from elsewhere_lookup
   where wants is not null
     and due_at <= now()
     and (wants = 'regroup' or $3)
   order by due_at
   limit $1
     for update skip locked
), claimed as (
  update elsewhere_lookup looked
     set due_at = now() + $2 * interval '1 millisecond', epoch = looked.epoch + 1
    from due
   where looked.patient_key = due.patient_key and looked.vaccine_type = due.vaccine_type
  returning looked.patient_key, looked.vaccine_type, looked.wants, looked.epoch, looked.tries
)
select claimed.patient_key as "patientKey", claimed.vaccine_type as "vaccineType", claimed.wants, claimed.epoch,
       claimed.tries, patient.nhs_number as "nhsNumber"
  from claimed
  join patient using (patient_key)`

const FIND = `
select patient_key, source, identifier_system, identifier_value, remote_id, vaccine_type, features, found_at, group_id,
       outcome, rule, score
  from elsewhere_record
 where patient_key = $1
 order by source, identifier_system, identifier_value`

const INSERT = `
insert into elsewhere_record (
  patient_key, source, identifier_system, identifier_value, remote_id, vaccine_type, features, found_at, group_id,
  outcome, rule, score
)
select patient_key, source, identifier_system, identifier_value, remote_id, vaccine_type, features, found_at, group_id,
       outcome, rule, score
  from json_to_recordset($1) as found (
         patient_key uuid, source text, identifier_system text, identifier_value text, remote_id text,
         vaccine_type text, features jsonb, found_at timestamptz, group_id uuid, outcome text, rule text, score integer
       )`

interface RecordRow {
  patient_key: string
  source: string
  identifier_system: string
  identifier_value: string
  remote_id: string
  vaccine_type: VaccineType
  features: EventFingerprint
  found_at: Date
  group_id: string | null
  outcome: Attachment['outcome'] | null
  rule: Attachment['rule'] | null
  score: number | null
}

function toRecord(row: RecordRow): ElsewhereRecord {
  const { group_id: groupId, outcome, rule, score } = row
  return {
    patientKey: row.patient_key,
    source: row.source,
    identifier: { system: row.identifier_system, value: row.identifier_value },
    remoteId: row.remote_id,
    vaccineType: row.vaccine_type,
    fingerprint: row.features,
    foundAt: row.found_at,
    ...(groupId === null || outcome === null || rule === null || score === null
      ? {}
      : { attached: { groupId, outcome, rule, score } })
  }
}

function toRow({ attached, ...record }: ElsewhereRecord): RecordRow {
  return {
    patient_key: record.patientKey,
    source: record.source,
    identifier_system: record.identifier.system,
    identifier_value: record.identifier.value,
    remote_id: record.remoteId,
    vaccine_type: record.vaccineType,
    features: record.fingerprint,
    found_at: record.foundAt,
    group_id: attached?.groupId ?? null,
    outcome: attached?.outcome ?? null,
    rule: attached?.rule ?? null,
    score: attached?.score ?? null
  }
}
