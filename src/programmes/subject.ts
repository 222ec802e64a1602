// One record and what is known beside it, prepared once for all checks.
import type { ImmunizationFacts } from '../fhir/immunization.js'
import type { HistoricEvent, Subject } from './check.js'
import { parseDayRange, type DayRange } from './day-range.js'
import { UNINDEXED_PATHS, type ElementPaths } from './element-paths.js'

/** What is known beside the record itself. */
export interface JudgementContext {
  now: Date
  /** Other vaccinations of the patient, one per event group, without the record being judged. */
  history?: readonly HistoricEvent[]
  /** Reasons the supplier gives, by name (`overridableBy`): the error becomes a warning. */
  overrides?: readonly string[]
  /** Where the elements stand in the resource; without it issues name the contained Patient without its index. */
  paths?: ElementPaths
  /** What is known of the patient on the day: PREGNANT, RISK_GROUP ... Absent means cannot tell. */
  flags?: Readonly<Record<string, boolean>>
  /** Days of pregnancy on the day of vaccination. */
  gestationDays?: number
}

export function createSubject(facts: ImmunizationFacts, context: JudgementContext): Subject {
  const birth = facts.birthDate === undefined ? undefined : parseDayRange(facts.birthDate)
  const overrides = context.overrides ?? []
  return {
    facts,
    paths: context.paths ?? UNINDEXED_PATHS,
    now: context.now,
    occurrence: daysOf(facts),
    ...(birth === undefined ? {} : { birth }),
    history: context.history ?? [],
    // A sub-potent dose is its own reason: the record says that it may not count.
    overrides: facts.isSubpotent ? [...overrides, 'isSubpotent'] : overrides,
    flags: context.flags ?? {},
    ...(context.gestationDays === undefined ? {} : { gestationDays: context.gestationDays })
  }
}

// With a time of day the facts know the day in London already.
function daysOf({ occurrence, occurrenceDay, occurrencePrecision }: ImmunizationFacts): DayRange {
  const exact = { first: occurrenceDay, last: occurrenceDay }
  return occurrencePrecision === 'time' ? exact : (parseDayRange(occurrence) ?? exact)
}
