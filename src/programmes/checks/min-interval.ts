import { addAge, describeAge, type Age } from '../age.js'
import type { Check, Finding, HistoricEvent, Subject } from '../check.js'
import { isExactDay } from '../day-range.js'
import { compileDoseLimits } from '../dose-schedule.js'
import type { Programme } from '../programme.js'
import { daysBetween } from '../../fhir/dates.js'
import { enough, NO_EXACT_DAY, nothing } from '../ground.js'

interface MinIntervalParams {
  days?: number
  antigens?: string[]
}

export const minInterval: Check<MinIntervalParams> = {
  description:
    'Since the last dose against the same disease at least the interval of the dose row, else of the check, has passed; half of it or less is a likely duplicate.',
  rules: ['dose-too-early', 'suspect-duplicate'],
  appliesTo: 'given',
  params: {
    type: 'object',
    additionalProperties: false,
    properties: {
      days: {
        description: 'Least days since the last dose, where no dose row with an interval fits.',
        type: 'integer',
        minimum: 1
      },
      antigens: {
        description: 'Target diseases that count as the same; without it those of the programme.',
        type: 'array',
        minItems: 1,
        items: { type: 'string', format: 'snomed-concept' }
      }
    }
  },
  look: (params, { programme }) => {
    const antigens = new Set(params.antigens ?? programme.targetDiseases)
    const limitsOf = compileIntervals(params, programme)
    return (subject) => {
      if (!isExactDay(subject.occurrence)) return NO_EXACT_DAY
      if (lastEvent(subject, antigens) === undefined)
        return nothing('earlier doses against the same disease: none is known')
      const limits = limitsOf(subject)
      return limits.length === 0
        ? nothing('the dose number, for which the file has no interval')
        : enough(`the days since the last dose against ${limits.map(describeAge).join(' or ')}`)
    }
  },
  compile: (params, { programme }) => {
    const antigens = new Set(params.antigens ?? programme.targetDiseases)
    const intervalsOf = compileIntervals(params, programme)
    return (subject) => {
      if (!isExactDay(subject.occurrence)) return undefined
      const last = lastEvent(subject, antigens)
      if (last === undefined) return undefined
      return judgeInterval(last, subject.occurrence.first, intervalsOf(subject), programme.title)
    }
  }
}

/** The intervals of the dose rows, else that of the check. */
function compileIntervals({ days }: MinIntervalParams, programme: Programme): (subject: Subject) => Age[] {
  const rowsOf = compileDoseLimits(programme, 'minIntervalFromPrevious')
  const fallback: Age[] = days === undefined ? [] : [{ years: 0, months: 0, days }]
  return (subject) => {
    const rows = subject.facts.doseNumber === undefined ? [] : rowsOf(subject)
    return rows.length > 0 ? rows : fallback
  }
}

function lastEvent({ history, occurrence }: Subject, antigens: ReadonlySet<string>): string | undefined {
  // Most histories are in the order of their days: from their end few events have to be looked into.
  return history.reduceRight<string | undefined>(
    (last, event) =>
      event.day <= occurrence.first && (last === undefined || event.day > last) && shares(event, antigens)
        ? event.day
        : last,
    undefined
  )
}

function shares(event: HistoricEvent, antigens: ReadonlySet<string>): boolean {
  return event.antigens.some((antigen) => antigens.has(antigen))
}

// Several rows may fit where a cohort is not known: the shortest interval counts.
function judgeInterval(lastDay: string, day: string, intervals: readonly Age[], title: string): Finding | undefined {
  let dueDay: string | undefined
  for (const interval of intervals) {
    const due = addAge(lastDay, interval)
    if (day >= due) return undefined
    if (dueDay === undefined || due < dueDay) dueDay = due
  }
  if (dueDay === undefined) return undefined
  const asked = daysBetween(lastDay, dueDay)
  const passed = daysBetween(lastDay, day)
  const expression = ['Immunization.occurrence.ofType(dateTime)']
  if (passed * 2 < asked) {
    return {
      rule: 'suspect-duplicate',
      code: 'duplicate',
      expression,
      text: `"${title}" asks for ${asked} days since the last dose and less than half of them have passed: this may be the same vaccination reported twice; check the date, or nothing to do if both were given`
    }
  }
  return {
    rule: 'dose-too-early',
    code: 'business-rule',
    expression,
    text: `"${title}" asks for ${asked} days since the last dose against the same disease; check the date, and whether the dose counts`
  }
}
