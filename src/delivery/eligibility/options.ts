// Options of a destination of kind eligibility-store, as destinations.yaml gives them.
import type { CountedPossibleDuplicates } from '../destination.js'
import { isVaccineType, VACCINE_TYPES, type VaccineType } from '../../fhir/vaccine-types.js'

export interface EligibilityOptions {
  tableName: string
  region: string
  endpoint?: string
  targets?: Partial<Record<VaccineType, string>>
  possibleDuplicates?: CountedPossibleDuplicates
}

/** Vaccine types the store has items for. MMR and MMRV protect against the same diseases and count together. */
export const DEFAULT_TARGETS: Partial<Record<VaccineType, string>> = {
  FLU: 'FLU',
  COVID: 'COVID',
  RSV: 'RSV',
  MMR: 'MMR',
  MMRV: 'MMR'
}

/** Vaccine types that count for one item. */
export function typesOfTarget(target: string, targets: Partial<Record<VaccineType, string>>): VaccineType[] {
  return Object.keys(targets)
    .filter(isVaccineType)
    .filter((type) => targets[type] === target)
}

export const eligibilityOptionsSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['tableName', 'region'],
  allOf: [
    { oneOf: [{ required: ['hashSecretFile'] }, { required: ['hashSecret'] }] },
    { oneOf: [{ required: ['accessKeyIdFile'] }, { required: ['accessKeyId'] }] },
    { oneOf: [{ required: ['secretAccessKeyFile'] }, { required: ['secretAccessKey'] }] }
  ],
  properties: {
    tableName: { type: 'string', minLength: 3, maxLength: 255, description: 'Name of the DynamoDB table.' },
    region: { type: 'string', minLength: 1, description: 'AWS region of the table, for example eu-west-2.' },
    endpoint: {
      type: 'string',
      pattern: '^https?://',
      description: 'Address of DynamoDB; left out, the public one of the region.'
    },
    hashSecretFile: {
      type: 'string',
      minLength: 1,
      description: 'File with the secret that turns an NHS number into the key of its items (HMAC-SHA512).'
    },
    hashSecret: {
      type: 'string',
      minLength: 1,
      description: 'That secret itself; for the sandbox, use hashSecretFile elsewhere.'
    },
    accessKeyIdFile: { type: 'string', minLength: 1, description: 'File with the AWS access key id.' },
    accessKeyId: { type: 'string', minLength: 1, description: 'The access key id itself.' },
    secretAccessKeyFile: { type: 'string', minLength: 1, description: 'File with the AWS secret access key.' },
    secretAccessKey: {
      type: 'string',
      minLength: 1,
      description: 'The secret access key itself; for the sandbox, use secretAccessKeyFile elsewhere.'
    },
    targets: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(
        Object.keys(VACCINE_TYPES).map((type) => [
          type,
          { type: 'string', pattern: '^[A-Z0-9_]+$', description: `ATTRIBUTE_TYPE of the item for ${type}.` }
        ])
      ),
      default: DEFAULT_TARGETS,
      description:
        'Which item each vaccine type counts for; types left out have none. Types with one item count together.'
    },
    possibleDuplicates: {
      enum: ['once', 'each'],
      default: 'once',
      description:
        'How records that may be one vaccination count until a person has decided: once, on the latest of their days, or each.'
    }
  }
}
