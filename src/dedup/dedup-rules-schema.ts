// JSON Schema (2020-12) of profiles/dedup/<version>.yaml.
import { VACCINE_TYPES } from '../fhir/vaccine-types.js'

const VACCINE_TYPE = { enum: Object.keys(VACCINE_TYPES) }
const NOT_NEGATIVE = { type: 'integer', minimum: 0 }

const WINDOW = closed({
  windowDays: { type: 'integer', minimum: 1, maximum: 3660 },
  oncePerSeason: { type: 'boolean' }
})

const POINTS = closed({
  date: {
    type: 'array',
    minItems: 1,
    items: {
      type: 'object',
      required: ['points'],
      additionalProperties: false,
      properties: { upToDays: NOT_NEGATIVE, points: { type: 'integer' } }
    }
  },
  antigens: points('equal', 'subset', 'overlap'),
  product: points('same', 'compatible', 'different'),
  lot: points('same', 'near', 'different'),
  dose: points('same', 'different'),
  organisation: points('same', 'different', 'differentWithHistorical'),
  source: points('onePrimary', 'nonePrimary', 'bothPrimarySameOrganisation', 'bothPrimaryOtherOrganisation'),
  interval: points('tooEarly', 'tooEarlyOncePerSeason')
})

const RULES = closed({
  version: { type: 'string', pattern: '^dedup-\\d+\\.\\d+\\.\\d+$' },
  windows: closed({
    default: WINDOW,
    byVaccineType: { type: 'object', propertyNames: VACCINE_TYPE, additionalProperties: WINDOW }
  }),
  lots: closed({
    placeholders: { type: 'array', uniqueItems: true, items: { type: 'string', pattern: '^[A-Z0-9]+$' } },
    minimumLength: { type: 'integer', minimum: 1 },
    confusable: {
      type: 'object',
      propertyNames: { pattern: '^[A-Z]$' },
      additionalProperties: { type: 'string', pattern: '^[0-9]$' }
    },
    typoMinimumLength: { type: 'integer', minimum: 2 },
    typoMayMerge: { type: 'boolean' }
  }),
  organisations: closed({
    placeholders: { type: 'array', uniqueItems: true, items: { type: 'string', pattern: '^[A-Z0-9]+$' } }
  }),
  neverComponents: {
    type: 'array',
    items: closed({ component: VACCINE_TYPE, combination: VACCINE_TYPE })
  },
  deterministic: points('D1', 'D2', 'D3', 'D4'),
  points: POINTS,
  outcomes: closed({
    same: { type: 'integer', minimum: 1 },
    possible: { type: 'integer', minimum: 1 },
    sameMaximumDays: NOT_NEGATIVE,
    doseNumbersApartDays: NOT_NEGATIVE
  }),
  maximumCandidates: { type: 'integer', minimum: 1 }
})

const FULL_DOSES = {
  type: 'array',
  items: closed({
    vaccineType: VACCINE_TYPE,
    routeCode: { type: 'string', format: 'snomed-concept' },
    ml: { type: 'number', exclusiveMinimum: 0 }
  })
}

// Weights of before 1.1.0 have no full doses and can still be read, to compare with.
export const DEDUP_RULES_SCHEMA = { ...RULES, properties: { ...RULES.properties, fullDoses: FULL_DOSES } }

/** An object that has exactly these properties. */
function closed(properties: Record<string, unknown>): Record<string, unknown> & { properties: object } {
  return { type: 'object', required: Object.keys(properties), additionalProperties: false, properties }
}

function points(...names: string[]): Record<string, unknown> {
  return closed(Object.fromEntries(names.map((name) => [name, { type: 'integer' }])))
}
