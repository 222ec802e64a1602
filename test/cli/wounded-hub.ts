// A Hub in trouble, written by plain SQL: one destination refuses, one is down, one is well. Everything lies before NOW
// of test/http/open-door.ts. The one patient has a name, so that a leak can be searched for.
import type { Pool } from 'pg'
import { checkDigit } from '../../src/fhir/nhs-number.js'

/** What must stand in no answer, log or output. */
export const PATIENT = {
  nhsNumber: `999000123${checkDigit('999000123')}`,
  family: 'Quillfeather',
  given: 'Ottoline',
  birthDate: '1951-03-17',
  postcode: 'ZZ99 3CZ'
}

const uuid = (kind: string, number: number): string =>
  `019ad6f0-0000-7000-8${kind}-${number.toString(16).padStart(12, '0')}`

/** A flu record with three versions, of which the second is held at the national API. */
export const RECORD = uuid('a01', 1)
/** The same jab, told by the GP system. */
export const ALTERNATE = uuid('a01', 2)
/** Perhaps the same jab. */
export const POSSIBLE = uuid('a01', 3)
const PATIENT_KEY = uuid('b01', 1)

export const HELD = uuid('d01', 3)
export const BLOCKED = uuid('d01', 4)
export const RETRYING = uuid('d01', 5)
/** Held at the GP system: what a replay picks. */
export const HELD_AT_GP = [uuid('d01', 16), uuid('d01', 17)]

export const REFUSAL_MESSAGE = 'doseQuantity.value is required for delivery 019ad6f0-1111-7000-8000-000000000001'

export async function woundHub(pool: Pool): Promise<void> {
  for (const statement of STATEMENTS) await pool.query(statement)
  await insertRecords(pool)
  await insertDeliveries(pool)
  await insertRefusals(pool)
}

const STATEMENTS = [
  `insert into destination (destination, consecutive_failures, breaker_opened_at, resume_at, resume_reason,
                            last_delivered_at)
   values ('nhs-immunisation-api', 0, null, null, null, '2026-11-02T08:50:00Z'),
          ('gp-record', 9, '2026-11-02T08:20:00Z', '2026-11-02T09:01:00Z', 'unavailable', '2026-11-02T08:10:00Z'),
          ('eligibility-store', 0, null, null, null, '2026-11-02T08:59:00Z')`,
  `insert into patient (patient_key, nhs_number) values ('${PATIENT_KEY}', '${PATIENT.nhsNumber}')`
]

const BODY = JSON.stringify({
  resourceType: 'Immunization',
  contained: [
    {
      resourceType: 'Patient',
      identifier: [{ value: PATIENT.nhsNumber }],
      name: [{ family: PATIENT.family, given: [PATIENT.given] }],
      birthDate: PATIENT.birthDate,
      address: [{ postalCode: PATIENT.postcode }]
    }
  ]
})

async function insertRecords(pool: Pool): Promise<void> {
  const records: [id: string, owner: string, versions: number][] = [
    [RECORD, 'sandwell-pharmacy', 3],
    [ALTERNATE, 'gp-system', 1],
    [POSSIBLE, 'school-team', 1]
  ]
  for (const [id, owner, versions] of records) {
    await pool.query(
      `insert into record (
         record_id, patient_key, identifier_system, identifier_value, owner, vaccine_type, status, current_version,
         occurrence_day, occurrence_from, occurrence_until, content_sha256, clinical_sha256, last_updated
       )
       values ($1, $2, 'https://supplier.test', $3, $4, 'FLU', 'completed', $5, '2026-10-01', '2026-10-01T09:00:00Z',
               '2026-10-01T09:00:01Z', '', '', '2026-11-02T08:30:00Z')`,
      [id, PATIENT_KEY, `${PATIENT.family}-${id}`, owner, versions]
    )
    await pool.query(
      `insert into record_version (
         record_id, version, patient_key, operation, supplier, received_at, request_id, payload_sha256, body
       )
       select $1, version, $2, case version when 1 then 'create' else 'update' end, $3,
              timestamptz '2026-11-02T07:30:00Z' + version * interval '20 minutes', 'request-' || version, '', $5
         from generate_series(1, $4::integer) as version`,
      [id, PATIENT_KEY, owner, versions, BODY]
    )
  }
  const group = uuid('c01', 1)
  await pool.query(
    `insert into event_group (group_id, patient_key, anchor_record_id, survivor_record_id) values ($1, $2, $3, $3)`,
    [group, PATIENT_KEY, RECORD]
  )
  await pool.query(
    `insert into event_group_member (record_id, group_id, patient_key, role)
     values ($1, $4, $3, 'source'), ($2, $4, $3, 'alternate')`,
    [RECORD, ALTERNATE, PATIENT_KEY, group]
  )
  await pool.query(
    `insert into pair_decision (
       record_a, record_b, patient_key, outcome, rule, score, features, rules_version, decided_by, decided_at
     )
     values ($1, $2, $4, 'same', 'same-day-same-product', 100, '{}', '1', 'system', '2026-11-02T08:00:00Z'),
            ($1, $3, $4, 'possible', 'near-day-score', 62, '{}', '1', 'system', '2026-11-02T08:05:00Z')`,
    [RECORD, ALTERNATE, POSSIBLE, PATIENT_KEY]
  )
}

interface Seed {
  id: string
  destination: string
  record: string
  version: number
  laneSeq?: number
  state: string
  createdAt: string
  dueAt?: string
  finishedAt?: string
  fault?: { class: string; status: number | null; message: string; at: string }
  tries?: number
}

const NHS = 'nhs-immunisation-api'
const refused = { class: 'refused', status: 400, message: REFUSAL_MESSAGE, at: '2026-11-02T08:12:00Z' }
const down = { class: 'unavailable', status: 503, message: 'the receiver answered 503', at: '2026-11-02T08:25:00Z' }

const DELIVERIES: Seed[] = [
  delivered(1, NHS, RECORD, 1, '08:00'),
  delivered(2, 'eligibility-store', RECORD, 1, '08:00'),
  {
    id: HELD,
    destination: NHS,
    record: RECORD,
    version: 2,
    state: 'held',
    createdAt: at('08:10'),
    fault: refused,
    tries: 1
  },
  { id: BLOCKED, destination: NHS, record: RECORD, version: 3, state: 'blocked', createdAt: at('08:30') },
  {
    id: RETRYING,
    destination: 'gp-record',
    record: ALTERNATE,
    version: 1,
    state: 'ready',
    createdAt: at('08:15'),
    dueAt: at('09:10'),
    fault: down,
    tries: 2
  },
  delivered(6, 'eligibility-store', RECORD, 2, '08:40'),
  delivered(7, 'eligibility-store', RECORD, 3, '08:59'),
  ...[RECORD, POSSIBLE].map((record, index): Seed => ({
    id: HELD_AT_GP[index]!,
    destination: 'gp-record',
    record,
    version: 1,
    state: 'held',
    createdAt: at('07:50'),
    fault: {
      class: 'refused',
      status: 422,
      message: `unknown practice code for message ${index + 7}`,
      at: at('08:05')
    },
    tries: 1
  }))
]

function at(time: string): string {
  return `2026-11-02T${time}:00Z`
}

function delivered(number: number, destination: string, record: string, version: number, time: string): Seed {
  const moment = at(time)
  return {
    id: uuid('d01', number),
    destination,
    record,
    version,
    state: 'delivered',
    createdAt: moment,
    finishedAt: moment,
    tries: 1
  }
}

async function insertDeliveries(pool: Pool): Promise<void> {
  for (const seed of DELIVERIES) {
    const { id, destination, record, version, state, createdAt, dueAt = createdAt, finishedAt = null, fault } = seed
    await pool.query(
      `insert into delivery (
         delivery_id, destination, record_id, version, patient_key, lane_seq, operation, state, due_at, epoch, tries,
         last_attempt_at, last_class, last_status, last_message, created_at, finished_at
       )
       values ($1, $2, $3, $4, $5, $4, case $4::integer when 1 then 'create' else 'update' end, $6, $7, $8, $8, $9, $10,
               $11, $12, $13, $14)`,
      [
        id,
        destination,
        record,
        version,
        PATIENT_KEY,
        state,
        dueAt,
        seed.tries ?? 0,
        fault?.at ?? finishedAt,
        fault?.class ?? (finishedAt === null ? null : 'delivered'),
        fault?.status ?? (finishedAt === null ? null : 200),
        fault?.message ?? null,
        createdAt,
        finishedAt
      ]
    )
    for (let attempt = 1; attempt <= (seed.tries ?? 0); attempt++) {
      await pool.query(
        `insert into delivery_attempt (
           delivery_id, epoch, series, attempt, triggered_by, worker, started_at, ended_at, outcome, http_status, message
         )
         select $1, $2::integer, 1, $2::integer, 'schedule', 'worker-1', ended - interval '120 milliseconds', ended, $4, $5, $6
           from (select $3::timestamptz - (3 - $2::integer) * interval '1 second' as ended) as moment`,
        [
          id,
          attempt,
          fault?.at ?? finishedAt,
          fault?.class ?? 'delivered',
          fault?.status ?? 200,
          fault?.message ?? null
        ]
      )
    }
  }
}

async function insertRefusals(pool: Pool): Promise<void> {
  await pool.query(
    `insert into refused_submission (
       submission_id, received_at, supplier, request_id, http_status, rules, payload_sha256, body, outcome
     )
     select ('019ad6f0-0000-7000-8e01-' || lpad(number::text, 12, '0'))::uuid,
            timestamptz '2026-11-02T08:00:00Z' + number * interval '1 minute',
            case when number % 2 = 0 then 'school-team' else 'sandwell-pharmacy' end,
            'refused-' || number, 422,
            case when number = 5 then array['nhs-number-check-digit', 'batch-not-expired']
                 else array['nhs-number-check-digit'] end,
            '', $1, '{}'
       from generate_series(1, 5) as number`,
    [BODY]
  )
}
