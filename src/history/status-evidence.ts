// What records say of a patient for the programmes: vaccinations that took place, and when the patient was born.
import type { Immunization } from 'fhir/r4.js'
import { readImmunizationFacts, type ImmunizationFacts } from '../fhir/immunization.js'
import type { Issue } from '../fhir/issue.js'
import type { CourseEvent, Person } from '../programmes/course/course.js'
import { parseDayRange } from '../programmes/day-range.js'

export interface Evidence {
  person: Person
  events: CourseEvent[]
  /** What could not be used, or is missing. */
  remarks: Issue[]
}

/** A record that counts for its event; `id` names it in the answer. */
export interface RecordOfEvent {
  id: string
  resource: Immunization
}

/**
 * Births are those that the records name, and `birthDate` where the caller says it. Records of what was not given, or was
 * entered in error, say when somebody was born and nothing else.
 */
export function readEvidence(records: readonly RecordOfEvent[], flags: Person['flags'], birthDate?: string): Evidence {
  const read = records.map(({ id, resource }) => ({ id, facts: readImmunizationFacts(resource) }))
  const given = read.filter(({ facts }) => facts.status === 'completed')
  const events = given.flatMap(({ id, facts }) => toEvent(id, facts))
  const births = [...read.map(({ facts }) => facts.birthDate), birthDate].filter((born) => born !== undefined)
  const { birth, remark } = agreeOnBirth(births)
  return {
    person: birth === undefined ? { flags } : { birth, flags },
    events,
    remarks: [...remark, ...(events.length < given.length ? [UNDATED] : [])]
  }
}

function toEvent(id: string, facts: ImmunizationFacts): CourseEvent[] {
  const occurrence = parseDayRange(facts.occurrence)
  if (occurrence === undefined) return []
  const { targetDiseases, vaccineType, productCode, expirationDate, isSubpotent } = facts
  return [
    {
      id,
      occurrence,
      antigens: targetDiseases,
      isSubpotent,
      ...(vaccineType === undefined ? {} : { vaccineType }),
      ...(productCode === undefined ? {} : { productCode }),
      ...(expirationDate === undefined ? {} : { expirationDate })
    }
  ]
}

// A partial date and a full one within it agree; the narrowest counts.
function agreeOnBirth(births: readonly string[]): { birth?: NonNullable<Person['birth']>; remark: Issue[] } {
  const ranges = births.flatMap((born) => parseDayRange(born) ?? [])
  if (ranges.length === 0) return { remark: [NO_BIRTH_DATE] }
  const first = ranges.map((range) => range.first).reduce((a, b) => (a > b ? a : b))
  const last = ranges.map((range) => range.last).reduce((a, b) => (a < b ? a : b))
  return first <= last ? { birth: { first, last }, remark: [] } : { remark: [BIRTH_DATES_DISAGREE] }
}

const NO_BIRTH_DATE: Issue = {
  severity: 'information',
  code: 'informational',
  layer: 'service',
  rule: 'status-no-birth-date',
  text: 'no record names a date of birth, so whatever depends on age cannot be told'
}

const BIRTH_DATES_DISAGREE: Issue = {
  severity: 'warning',
  code: 'business-rule',
  layer: 'service',
  rule: 'status-birth-dates-disagree',
  text: 'the records name more than one date of birth, so whatever depends on age cannot be told; have them corrected'
}

const UNDATED: Issue = {
  severity: 'warning',
  code: 'value',
  layer: 'service',
  rule: 'status-event-undated',
  text: 'a vaccination without occurrenceDateTime cannot be placed in time and was left out'
}
