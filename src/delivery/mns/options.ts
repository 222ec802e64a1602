// Options of a destination of kind mns-event, as destinations.yaml gives them.

export interface MnsOptions {
  baseUrl: string
  tokenUrl: string
  apiKey: string
  keyId: string
  privateKeyFile?: string
  privateKeyPem?: string
  source: string
  recordBaseUrl: string
}

export const mnsOptionsSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['baseUrl', 'tokenUrl', 'apiKey', 'keyId', 'source', 'recordBaseUrl'],
  oneOf: [{ required: ['privateKeyFile'] }, { required: ['privateKeyPem'] }],
  properties: {
    baseUrl: {
      type: 'string',
      pattern: '^https?://',
      description: 'Base address of the notification service, before /events, without a slash at the end.'
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
    source: {
      type: 'string',
      minLength: 1,
      description: 'Source of the events as agreed with the service, a reversed domain name of ours.'
    },
    recordBaseUrl: {
      type: 'string',
      pattern: '^https?://',
      description: 'FHIR base address under which a subscriber reads the record, without a slash at the end.'
    }
  }
}
