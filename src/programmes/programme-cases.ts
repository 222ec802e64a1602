// The cases beside a programme file (<version>.cases.yaml): facts of an Immunization, and what the file must say of them.
import { parseFhirDateTime } from '../fhir/dates.js'
import type { ImmunizationFacts } from '../fhir/immunization.js'
import type { IssueSeverity } from '../fhir/issue.js'
import { VACCINE_TYPES } from '../fhir/vaccine-types.js'
import type { HistoricEvent } from './check.js'
import { compileSchema, type FileProblem } from './file-schema.js'
import type { Programme } from './programme.js'
import { createProgrammeRules } from './programme-rules.js'
import { concept, day, list, object, oneOf, text, wholeNumber, type Schema } from './schema-words.js'
import type { VaccineCodes } from './vaccine-codes.js'

/** What a case may set; the rest comes from the programme. */
type CaseFacts = Partial<
  Pick<
    ImmunizationFacts,
    | 'birthDate'
    | 'occurrence'
    | 'status'
    | 'productCode'
    | 'procedureCodes'
    | 'lotNumber'
    | 'expirationDate'
    | 'siteCode'
    | 'routeCode'
    | 'doseQuantity'
    | 'doseNumber'
    | 'primarySource'
    | 'isSubpotent'
  >
>

export interface ProgrammeCase {
  title: string
  /** Overrule the base facts; null takes a base fact away. */
  facts?: { [Name in keyof CaseFacts]: CaseFacts[Name] | null }
  /** Days of earlier doses of the same programme. */
  earlierDoses?: string[]
  history?: HistoricEvent[]
  flags?: Record<string, boolean>
  gestationDays?: number
  overrides?: string[]
  /** Every rule that must speak, with its severity; nothing else may. */
  expect: Record<string, IssueSeverity>
}

export interface ProgrammeCases {
  /** The instant at which the cases are judged. */
  now: string
  /** Facts of a clean record, shared by the cases. */
  base: CaseFacts & { birthDate: string; occurrence: string }
  cases: ProgrammeCase[]
}

const nullable = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }], description: schema['description'] })
const FACTS: Schema = {
  birthDate: text('FHIR date, partial ones included.'),
  occurrence: text('occurrenceDateTime, partial ones included.'),
  status: oneOf('Status; completed when left out.', ['completed', 'not-done', 'entered-in-error']),
  productCode: concept('dm+d code of the product.'),
  procedureCodes: list('Vaccination procedure codes.', concept('SNOMED CT procedure.')),
  lotNumber: text('Batch number.'),
  expirationDate: text('Expiry of the batch.'),
  siteCode: concept('Body site.'),
  routeCode: concept('Route.'),
  doseQuantity: object('Dose quantity.', {
    value: { description: 'Value.', type: 'number' },
    unit: text('Unit text.'),
    code: text('Unit code.'),
    system: text('System of the unit code.')
  }),
  doseNumber: wholeNumber('Dose number.', 0),
  primarySource: { description: 'Reported by who gave it; true when left out.', type: 'boolean' },
  isSubpotent: { description: 'The dose is known to be sub-potent.', type: 'boolean' }
}
const HISTORY = object(
  'An earlier vaccination.',
  {
    day: day('Day of vaccination.'),
    antigens: list('Target diseases.', concept('SNOMED CT disease.')),
    vaccineType: oneOf('NHS vaccine type.', Object.keys(VACCINE_TYPES))
  },
  ['day', 'antigens', 'vaccineType']
)

export const PROGRAMME_CASES_SCHEMA: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://immunisation-hub.example/schemas/programme-cases-1.json',
  title: 'Cases of a programme',
  ...object(
    'Facts and what the programme file must say of them.',
    {
      now: text(
        'Instant at which the cases are judged, later than every occurrence that is not meant to be in the future.'
      ),
      base: object('Facts of a clean record, shared by the cases.', FACTS, ['birthDate', 'occurrence']),
      cases: list(
        'The cases.',
        object(
          'A case.',
          {
            title: text('What the case shows, a sentence.'),
            facts: object(
              'Facts that differ from the base; null takes one away.',
              Object.fromEntries(Object.entries(FACTS).map(([name, schema]) => [name, nullable(schema as Schema)]))
            ),
            earlierDoses: list('Days of earlier doses of this programme.', day('Day of vaccination.')),
            history: list('Other earlier vaccinations.', HISTORY),
            flags: {
              description: 'What is known beside the record.',
              type: 'object',
              additionalProperties: { type: 'boolean' }
            },
            gestationDays: wholeNumber('Days of pregnancy on the day.', 0),
            overrides: list('Reasons the supplier gives.', text('Name of the reason.')),
            expect: {
              description: 'Every rule that must speak, with its severity.',
              type: 'object',
              additionalProperties: { enum: ['error', 'warning', 'information'] }
            }
          },
          ['title', 'expect']
        )
      )
    },
    ['now', 'base', 'cases']
  )
}

const checkSchema = compileSchema(PROGRAMME_CASES_SCHEMA)

/** @throws ProgrammeFileError naming file, path and what to do */
export function parseProgrammeCases(fileName: string, value: unknown): ProgrammeCases {
  checkSchema(fileName, value)
  return value as ProgrammeCases
}

/** Cases in which the file does not say what they ask; none of them when all is well. */
export function findFailedCases(programme: Programme, cases: ProgrammeCases, codes: VaccineCodes): FileProblem[] {
  const spoken = runProgrammeCases(programme, cases, codes)
  return cases.cases.flatMap(({ title, expect }, index) => {
    const said = spoken[index] ?? {}
    if (wordsOf(said) === wordsOf(expect)) return []
    const message = `"${title}" asks for ${wordsOf(expect)}, the programme says ${wordsOf(said)}; mend one of them`
    return [{ path: `/cases/${index}`, message }]
  })
}

function wordsOf(rules: Record<string, IssueSeverity>): string {
  const words = Object.entries(rules).map(([rule, severity]) => `${rule} (${severity})`)
  return words.length === 0 ? 'no issue' : words.sort().join(', ')
}

/** Runs the cases with this file alone in force; gives the rules that spoke in each, with their severity. */
export function runProgrammeCases(
  programme: Programme,
  { now, base, cases }: ProgrammeCases,
  codes: VaccineCodes
): Record<string, IssueSeverity>[] {
  const rules = createProgrammeRules([programme], codes)
  return cases.map((one) => {
    const facts = createFacts(programme, { ...base, ...one.facts })
    const earlier = (one.earlierDoses ?? []).map((earlierDay) => ({
      day: earlierDay,
      antigens: programme.targetDiseases,
      vaccineType: programme.vaccineType
    }))
    const { issues, shadow } = rules.judge(facts, {
      now: new Date(now),
      history: [...earlier, ...(one.history ?? [])],
      overrides: one.overrides ?? [],
      flags: one.flags ?? {},
      ...(one.gestationDays === undefined ? {} : { gestationDays: one.gestationDays })
    })
    // A draft speaks in its shadow; beside it the record counts as judged by no programme.
    const spoken =
      programme.status === 'draft'
        ? [...issues.filter(({ rule }) => rule !== 'no-programme'), ...shadow.issues]
        : issues
    return Object.fromEntries(spoken.map(({ rule, severity }) => [rule, severity]))
  })
}

function createFacts(programme: Programme, given: NonNullable<ProgrammeCase['facts']>): ImmunizationFacts {
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)) as CaseFacts
  const occurrence = present.occurrence ?? ''
  const parsed = parseFhirDateTime(occurrence)
  return {
    identifier: { system: 'https://cases.example', value: '1' },
    status: 'completed',
    procedureCodes: [],
    isNhsNumberVerified: false,
    primarySource: true,
    isSubpotent: false,
    ...present,
    targetDiseases: [...programme.targetDiseases].sort(),
    vaccineType: programme.vaccineType,
    occurrence,
    occurrenceDay: parsed?.londonDay ?? '',
    occurrenceFrom: parsed?.from ?? new Date(Number.NaN),
    occurrencePrecision: parsed?.precision ?? 'day'
  }
}
