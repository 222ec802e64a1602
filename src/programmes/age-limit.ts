// The age limits of the checks minAge, recommendedAge and maxAge: one in the check's params, else those of the dose rows.
import { parseAge, type Age } from './age.js'
import type { ParamsSchema, Subject } from './check.js'
import { compileDoseLimits } from './dose-schedule.js'
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

/** The note as the end of a sentence. */
export function withNote(text: string, note: string | undefined): string {
  return note === undefined ? text : `${text} (${note})`
}
