// Courses of distinct doses as the schedules ask for them, each dose told by several systems that leave most of it out: no
// two doses may come out as one, neither as a pair nor through what groups them.
import t from 'tap'
import { compareEvents } from '../../src/dedup/compare-events.js'
import { regroup } from '../../src/dedup/regroup.js'
import type { VaccineType } from '../../src/fhir/vaccine-types.js'
import { EMIS, event, PHARMACY, rules, SCHOOL, TPP, type EventSpec } from './events.js'

interface Course {
  name: string
  type: VaccineType
  /** Days of the doses. */
  on: readonly string[]
}

/** Routine and travel schedules, with the shortest intervals that are given on purpose. */
const COURSES: readonly Course[] = [
  { name: '6 in 1 at 8, 12 and 16 weeks', type: '6IN1', on: ['2026-02-26', '2026-03-26', '2026-04-23'] },
  {
    name: '6 in 1 with the fourth at 18 months',
    type: '6IN1',
    on: ['2025-03-10', '2025-04-07', '2025-05-05', '2026-07-14']
  },
  { name: 'MenB at 8 and 12 weeks and a year', type: 'MENB', on: ['2026-02-26', '2026-03-26', '2027-01-04'] },
  { name: 'rotavirus at 8 and 12 weeks', type: 'ROTAVIRUS', on: ['2026-02-26', '2026-03-26'] },
  { name: 'pneumococcal at 16 weeks and a year', type: 'PNEUMOCOCCAL', on: ['2026-04-23', '2027-01-04'] },
  { name: 'MMR at 12 and 18 months', type: 'MMR', on: ['2025-07-01', '2026-01-02'] },
  { name: 'MMR at a year and at 3 years 4 months', type: 'MMR', on: ['2023-02-01', '2025-06-02'] },
  { name: 'MMR, hastened in an outbreak', type: 'MMR', on: ['2026-03-01', '2026-03-29'] },
  { name: 'MMRV, four weeks apart', type: 'MMRV', on: ['2026-03-01', '2026-03-29'] },
  { name: '4 in 1 before school, hastened after a first', type: '4IN1', on: ['2026-03-01', '2026-03-29'] },
  { name: '3 in 1 catch-up, monthly', type: '3IN1', on: ['2026-01-05', '2026-02-02', '2026-03-02', '2031-03-03'] },
  { name: 'MenACWY at school and before university', type: 'MENACWY', on: ['2024-02-01', '2026-08-20'] },
  { name: 'HPV, three doses when immunosuppressed', type: 'HPV', on: ['2026-01-10', '2026-02-10', '2026-07-10'] },
  { name: 'HPV a month apart', type: 'HPV', on: ['2026-01-10', '2026-02-07'] },
  { name: 'flu each season', type: 'FLU', on: ['2024-10-10', '2025-10-08', '2026-10-10'] },
  { name: 'flu, a child twice in its first season', type: 'FLU', on: ['2026-10-01', '2026-10-29'] },
  { name: 'COVID in spring and autumn', type: 'COVID', on: ['2025-04-10', '2025-10-10', '2026-04-14', '2026-10-12'] },
  { name: 'COVID, the first two eight weeks apart', type: 'COVID', on: ['2021-02-01', '2021-03-29'] },
  { name: 'COVID, the first two three weeks apart', type: 'COVID', on: ['2020-12-10', '2020-12-31'] },
  { name: 'shingles, eight weeks apart', type: 'SHINGLES', on: ['2026-01-12', '2026-03-09'] },
  { name: 'shingles, six months apart', type: 'SHINGLES', on: ['2026-01-12', '2026-07-13'] },
  { name: 'pertussis in two pregnancies', type: 'PERTUSSIS', on: ['2024-05-02', '2025-09-11'] },
  { name: 'RSV in two pregnancies', type: 'RSV', on: ['2025-01-15', '2026-06-15'] },
  {
    name: 'hepatitis B at 0, 7 and 21 days and a year',
    type: 'HEPB',
    on: ['2026-01-01', '2026-01-08', '2026-01-22', '2027-01-04']
  },
  { name: 'hepatitis B at 0, 1 and 6 months', type: 'HEPB', on: ['2026-01-01', '2026-02-02', '2026-07-02'] },
  { name: 'hepatitis B of a newborn, monthly', type: 'HEPB', on: ['2026-01-01', '2026-01-29', '2026-02-26'] }
]

/** Rabies and typhoid have no vaccine type of their own: the diseases alone say what they are. */
const BEYOND_TYPES: readonly { name: string; diseases: readonly string[]; on: readonly string[] }[] = [
  { name: 'rabies before travel', diseases: ['14168008'], on: ['2026-01-01', '2026-01-08', '2026-01-22'] },
  { name: 'rabies, hastened', diseases: ['14168008'], on: ['2026-01-01', '2026-01-04', '2026-01-08'] },
  { name: 'rabies after a bite', diseases: ['14168008'], on: ['2026-01-01', '2026-01-04', '2026-01-08', '2026-01-22'] },
  { name: 'Japanese encephalitis', diseases: ['52947006'], on: ['2026-01-01', '2026-01-08'] },
  { name: 'tick-borne encephalitis', diseases: ['712986001'], on: ['2026-01-01', '2026-01-15'] }
]

/** One needle as it may be told: whole, by another with less, and by GP systems that typed it in. */
function reportsOf(what: Pick<EventSpec, 'type' | 'diseases' | 'product'>, on: string, dose: number): EventSpec[] {
  const lot = `AB${dose}${dose}731`
  const nextDay = new Date(Date.parse(on) + 86_400_000).toISOString().slice(0, 10)
  return [
    { ...what, system: PHARMACY, on, dose, lot, ods: 'FX111' },
    { ...what, system: SCHOOL, on, ods: 'RX222' },
    { ...what, system: EMIS, on, primary: false },
    { ...what, system: TPP, on, primary: false, lot, ods: 'A81001' },
    { ...what, system: 'https://another-gp.example/id', on: nextDay, primary: false },
    { ...what, system: 'https://a-third-gp.example/id', on, primary: false, dose, ods: 'FX111' }
  ]
}

const cases = [
  ...COURSES.map(({ name, type, on }) => ({ name, what: { type }, on })),
  ...BEYOND_TYPES.map(({ name, diseases, on }) => ({ name, what: { diseases }, on }))
]

for (const { name, what, on } of cases)
  t.test(name, (t) => {
    const told = on.flatMap((day, index) => reportsOf(what, day, index + 1).map((spec) => ({ dose: index, spec })))
    const records = told.map(({ dose, spec }, index) => ({
      dose,
      recordId: `01900000-0000-7000-8000-${String(index).padStart(12, '0')}`,
      patientKey: 'p',
      deleted: false,
      fingerprint: event(spec)
    }))
    const doseOf = new Map(records.map(({ recordId, dose }) => [recordId, dose]))

    const wrong = records.flatMap((a) =>
      records
        .filter((b) => a.dose < b.dose && compareEvents(a.fingerprint, b.fingerprint, rules).outcome === 'same')
        .map((b) => `${a.recordId} ${b.recordId}`)
    )
    let made = 0
    const { groups } = regroup({ records, decisions: [], rules, newGroupId: () => `g${++made}` })
    const mixed = groups.filter(({ members }) => new Set(members.map(({ recordId }) => doseOf.get(recordId))).size > 1)

    t.same(wrong, [], 'no pair of doses is the same')
    t.same(mixed, [], 'no group holds two doses')
    t.ok(groups.length >= on.length)
    t.end()
  })
