// The age limits of the checks minAge, recommendedAge and maxAge: one in the check's params, else those of the dose rows.
import { describeAge, parseAge, reachedAge, type Age } from './age.js'
import type { ParamsSchema, Subject } from './check.js'
import { compileDoseLimits } from './dose-schedule.js'
import { enough, NO_BIRTH_DATE, nothing, tooLittle, type Ground } from './ground.js'
import type { Programme } from './programme.js'

export interface AgeParams {
  age?: string
  dose?: number
  note?: string
}

export const AGE_PARAMS: ParamsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    age: {
      description: 'Age such as P12M. Without it the ages of the dose rows count.',
      type: 'string',
      format: 'age'
    },
    dose: { description: 'Only records with this dose number are looked at.', type: 'integer', minimum: 1, maximum: 9 },
    note: { description: 'Added to the text of the issue.', type: 'string', minLength: 1 }
  }
}

/** Gives the ages that hold for a record; none when the record is not looked at. */
export function compileAgeLimits(
  params: AgeParams,
  programme: Programme,
  field: 'minAge' | 'recommendedAge' | 'maxAge'
): (subject: Subject) => Age[] {
  const fixed = params.age === undefined ? undefined : [parseAge(params.age)]
  const limitsOf = compileDoseLimits(programme, field)
  return (subject) => {
    if (params.dose !== undefined && subject.facts.doseNumber !== params.dose) return []
    return fixed ?? limitsOf(subject)
  }
}

const FIELD_WORDS = { minAge: 'the least age', recommendedAge: 'the recommended age', maxAge: 'the age limit' } as const

/** What a check of ages has before it: the ages that hold, and whether both dates are exact enough. */
export function compileAgeLook(
  params: AgeParams,
  programme: Programme,
  field: keyof typeof FIELD_WORDS
): (subject: Subject) => Ground {
  const limitsOf = compileAgeLimits(params, programme, field)
  const words = FIELD_WORDS[field]
  return (subject) => {
    const { birth, occurrence } = subject
    const limits = limitsOf(subject)
    if (limits.length === 0) return nothing(`${words} of the dose, which the file has not`)
    if (birth === undefined) return NO_BIRTH_DATE
    const saw = `the age on the day of vaccination against ${words} of the dose, ${limits.map(describeAge).join(' or ')}`
    const allowed = field === 'maxAge' ? 'no' : 'yes'
    return limits.some((age) => reachedAge(birth, age, occurrence) === allowed)
      ? enough(saw)
      : tooLittle(`${saw}; a partial date leaves it open`)
  }
}

/** The note as the end of a sentence. */
export function withNote(text: string, note: string | undefined): string {
  return note === undefined ? text : `${text} (${note})`
}
