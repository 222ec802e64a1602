// Options of a destination of kind nhs-immunisation-api, as destinations.yaml gives them.
import { VACCINE_TYPES } from '../../fhir/vaccine-types.js'

export interface NhsOptions {
  baseUrl: string
  tokenUrl: string
  apiKey: string
  keyId: string
  privateKeyFile?: string
  privateKeyPem?: string
  permissions?: string[]
}

export const nhsOptionsSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['baseUrl', 'tokenUrl', 'apiKey', 'keyId'],
  oneOf: [{ required: ['privateKeyFile'] }, { required: ['privateKeyPem'] }],
  properties: {
    baseUrl: {
      type: 'string',
      pattern: '^https?://',
      description: 'Base address of the API, up to and including /FHIR/R4, without a slash at the end.'
    },
    tokenUrl: {
      type: 'string',
      pattern: '^https?://',
      description: 'Address that changes the signed JWT for an access token; also the audience of the JWT.'
    },
    apiKey: {
      type: 'string',
      minLength: 1,
      description: 'Key of the application registered with API management: issuer and subject of the JWT.'
    },
    keyId: { type: 'string', minLength: 1, description: 'Id (kid) under which the public key was registered.' },
    privateKeyFile: { type: 'string', minLength: 1, description: 'File with the private RSA key in PEM form.' },
    privateKeyPem: {
      type: 'string',
      minLength: 1,
      description: 'The private RSA key itself in PEM form; for the sandbox, use privateKeyFile elsewhere.'
    },
    permissions: {
      type: 'array',
      items: { type: 'string', pattern: `^(${Object.keys(VACCINE_TYPES).join('|')})\\.[CRUDS]{1,5}$` },
      uniqueItems: true,
      description:
        'What the application may do there, like FLU.CRUDS, one entry per vaccine type. Left out: everything is tried, and the API refuses what is not granted.'
    }
  }
}
