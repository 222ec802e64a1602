// What an eligibility store is told of a patient: totals of event groups, and what the programme files in force say of
// each dose. The judgement is that of Patient/$immunization-status, of one dose for each vaccination that is counted: records
// that may be one vaccination, and that nobody has decided on, are no two doses either.
import type { Immunization } from 'fhir/r4.js'
import { pickCounted } from './dedup/count-events.js'
import type { DestinationServices, EligibilityTotals } from './delivery/destination.js'
import { londonDayOf } from './fhir/dates.js'
import { isVaccineType, type VaccineType } from './fhir/vaccine-types.js'
import { createCoursesInForce } from './history/immunization-status.js'
import { readEvidence, type Evidence } from './history/status-evidence.js'
import type { DoseEvaluation } from './programmes/course/course.js'
import type { Programme } from './programmes/programme.js'
import type { Stores } from './storage/database.js'

export interface TotalsDeps {
  stores: Pick<Stores, 'events'>
  /** The set in force. */
  rules: { readonly programmeFiles: readonly Programme[] }
  now: () => Date
}

export function createReadTotals({ stores, rules, now }: TotalsDeps): DestinationServices['readEligibilityTotals'] {
  const coursesInForce = createCoursesInForce()
  return async (patientKey, vaccineTypes, possibleDuplicates) => {
    const { undecided, ...totals } = await stores.events.readTotals(patientKey, vaccineTypes, possibleDuplicates)
    // Afterwards: records newer than the number are written again under a higher one, older ones would stay.
    const survivors = await stores.events.readSurvivors(patientKey)
    const read = survivors.map(({ recordId, body }) => ({ id: recordId, resource: JSON.parse(body) as Immunization }))
    const { person, events } = readEvidence(read, {})
    const counted = new Set(pickCounted(survivors, undecided).map(({ recordId }) => recordId))
    const doses = events.filter(({ id }) => counted.has(id))
    const { evaluations } = coursesInForce(rules.programmeFiles).assess(person, doses, londonDayOf(now()))
    return { ...totals, doses: countDoses(doses, evaluations, vaccineTypes) }
  }
}

/** A dose counts for the target in which its course is; one of which nothing can be told counts neither way. */
function countDoses(
  events: Evidence['events'],
  evaluations: readonly DoseEvaluation[],
  vaccineTypes: readonly VaccineType[]
): NonNullable<EligibilityTotals['doses']> {
  const judged = evaluations.filter(
    ({ programme }) =>
      programme !== undefined && isVaccineType(programme.vaccineType) && vaccineTypes.includes(programme.vaccineType)
  )
  const idsOf = (status: DoseEvaluation['status']): Set<string> =>
    new Set(judged.filter((evaluation) => evaluation.status === status).map(({ event }) => event))
  const valid = idsOf('valid')
  const invalid = [...idsOf('not-valid')].filter((id) => !valid.has(id))
  const days = events.flatMap(({ id, occurrence }) => (valid.has(id) ? [occurrence.last] : []))
  const lastValidDay = days.reduce<string | undefined>(
    (last, day) => (last === undefined || day > last ? day : last),
    undefined
  )
  return { valid: valid.size, invalid: invalid.length, ...(lastValidDay === undefined ? {} : { lastValidDay }) }
}
