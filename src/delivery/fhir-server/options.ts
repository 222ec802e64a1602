// Options of a destination of kind fhir-rest, as destinations.yaml gives them.

export interface FhirRestOptions {
  baseUrl: string
  bearerTokenFile?: string
  bearerToken?: string
  tokenUrl?: string
  scope?: string
  clientId?: string
  clientSecretFile?: string
  clientSecret?: string
  keyId?: string
  algorithm?: 'RS384' | 'RS512'
  privateKeyFile?: string
  privateKeyPem?: string
  headerName?: string
  headerValueFile?: string
  headerValue?: string
}

const PRIVATE_KEY = { anyOf: [{ required: ['privateKeyFile'] }, { required: ['privateKeyPem'] }] }
const CLIENT_SECRET = { anyOf: [{ required: ['clientSecretFile'] }, { required: ['clientSecret'] }] }
const BEARER = { anyOf: [{ required: ['bearerTokenFile'] }, { required: ['bearerToken'] }] }

export const fhirRestOptionsSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['baseUrl'],
  // No token, one that does not end, or one that is asked for; and then either a secret or a key.
  oneOf: [
    { not: { anyOf: [BEARER, { required: ['tokenUrl'] }] } },
    { ...BEARER, not: { required: ['tokenUrl'] } },
    {
      required: ['tokenUrl', 'clientId'],
      oneOf: [CLIENT_SECRET, { required: ['keyId'], ...PRIVATE_KEY }],
      not: BEARER
    }
  ],
  dependentRequired: {
    scope: ['tokenUrl'],
    clientId: ['tokenUrl'],
    clientSecret: ['tokenUrl'],
    clientSecretFile: ['tokenUrl'],
    keyId: ['tokenUrl'],
    algorithm: ['keyId'],
    privateKeyFile: ['keyId'],
    privateKeyPem: ['keyId'],
    headerValue: ['headerName'],
    headerValueFile: ['headerName']
  },
  properties: {
    baseUrl: {
      type: 'string',
      pattern: '^https?://',
      description: 'FHIR base address of the server, without a slash at the end.'
    },
    bearerTokenFile: { type: 'string', minLength: 1, description: 'File with a bearer token that does not end.' },
    bearerToken: { type: 'string', minLength: 1, description: 'The bearer token itself; use bearerTokenFile instead.' },
    tokenUrl: {
      type: 'string',
      pattern: '^https?://',
      description: 'Address that gives access tokens (client credentials); also the audience of a signed JWT.'
    },
    scope: { type: 'string', minLength: 1, description: 'Scope to ask for, such as system/Immunization.cruds.' },
    clientId: { type: 'string', minLength: 1, description: 'Our client id there; issuer and subject of a signed JWT.' },
    clientSecretFile: { type: 'string', minLength: 1, description: 'File with the client secret.' },
    clientSecret: {
      type: 'string',
      minLength: 1,
      description: 'The client secret itself; use clientSecretFile instead.'
    },
    keyId: { type: 'string', minLength: 1, description: 'Id (kid) under which the public key was registered.' },
    algorithm: { enum: ['RS384', 'RS512'], description: 'How the JWT is signed; left out RS384, as SMART has it.' },
    privateKeyFile: { type: 'string', minLength: 1, description: 'File with the private RSA key in PEM form.' },
    privateKeyPem: {
      type: 'string',
      minLength: 1,
      description: 'The private RSA key itself in PEM form; for the sandbox, use privateKeyFile elsewhere.'
    },
    headerName: {
      type: 'string',
      pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
      description: 'Name of a header to send with every request, such as apikey.'
    },
    headerValueFile: { type: 'string', minLength: 1, description: 'File with the value of that header.' },
    headerValue: { type: 'string', minLength: 1, description: 'The value itself; use headerValueFile for a secret.' }
  }
}
