// Which vaccine types a product or procedure code stands for: profiles/terminology/vaccine-products.yaml and
// vaccination-procedures.yaml. Programme files name their own codes as well; these know the rest.
import { VACCINE_TYPES, type VaccineType } from '../fhir/vaccine-types.js'
import { compileSchema, refuseProblems } from './file-schema.js'
import type { Certainty } from './programme.js'

export interface VaccineCode {
  /** SNOMED CT concept id, dm+d products included. */
  code: string
  display: string
  /** A product can serve several: a low-dose combination given as a booster and in pregnancy. */
  vaccineTypes: VaccineType[]
  /** Of the code standing for these types. */
  certainty: Certainty
  /** Where it was read. */
  source: string
}

/** What is known of codes whatever the programme. */
export interface VaccineCodes {
  products: readonly VaccineCode[]
  procedures: readonly VaccineCode[]
}

export const VACCINE_CODES_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://immunisation-hub.example/schemas/vaccine-codes-1.json',
  title: 'Vaccine codes',
  description:
    'SNOMED CT and dm+d codes of vaccine products or vaccination procedures, and the vaccine types they stand for.',
  type: 'object',
  additionalProperties: false,
  required: ['codes'],
  properties: {
    codes: {
      description: 'The codes, each once.',
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['code', 'display', 'vaccineTypes', 'certainty', 'source'],
        properties: {
          code: { description: 'SNOMED CT concept id, in quotes.', type: 'string', format: 'snomed-concept' },
          display: { description: 'Short name for people.', type: 'string', minLength: 1 },
          vaccineTypes: {
            description: 'NHS vaccine types the code is used for.',
            type: 'array',
            minItems: 1,
            uniqueItems: true,
            items: { enum: Object.keys(VACCINE_TYPES) }
          },
          certainty: {
            description: 'H read in the named source, M in test data or a prototype, L recalled.',
            enum: ['H', 'M', 'L']
          },
          source: { description: 'Where the code was read.', type: 'string', minLength: 1 }
        }
      }
    }
  }
}

const checkSchema = compileSchema(VACCINE_CODES_SCHEMA)

/**
 * Reads one of the two files after YAML.
 * @throws ProgrammeFileError naming file, path and what to do, for everything that is wrong at once.
 */
export function parseVaccineCodes(fileName: string, value: unknown): VaccineCode[] {
  checkSchema(fileName, value)
  const { codes } = value as { codes: VaccineCode[] }
  const seen = new Set<string>()
  const twice = codes.flatMap(({ code }, index) => {
    if (seen.has(code)) return [{ path: `/codes/${index}/code`, message: `${code} is listed before; keep one row` }]
    seen.add(code)
    return []
  })
  refuseProblems(fileName, twice)
  return codes
}
