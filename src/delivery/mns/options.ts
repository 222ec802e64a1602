// Options of a destination of kind mns-event, as destinations.yaml gives them.
import { nhsOptionsSchema } from '../nhs/options.js'

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

const { tokenUrl, apiKey, keyId, privateKeyFile, privateKeyPem } = nhsOptionsSchema.properties

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
    // The same application, registered with the same platform.
    tokenUrl,
    apiKey,
    keyId,
    privateKeyFile,
    privateKeyPem,
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
