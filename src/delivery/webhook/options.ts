// Options of a destination of kind webhook, as destinations.yaml gives them.

export interface WebhookOptions {
  url: string
  secretFile?: string
  secret?: string
  content?: 'notification' | 'resource'
  allowPrivateAddresses?: boolean
}

export const webhookOptionsSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['url'],
  oneOf: [{ required: ['secretFile'] }, { required: ['secret'] }],
  properties: {
    url: {
      type: 'string',
      pattern: '^https?://',
      description: 'Address that takes the webhook; https, unless private addresses are allowed.'
    },
    secretFile: {
      type: 'string',
      minLength: 1,
      description: 'File with the signing secrets, one a line, each whsec_ and 24 to 64 bytes in base64.'
    },
    secret: {
      type: 'string',
      minLength: 1,
      description: 'The signing secrets themselves, separated by spaces; for the sandbox, use secretFile elsewhere.'
    },
    content: {
      enum: ['notification', 'resource'],
      description: 'Whether the body names the record only (notification, the default) or carries the Immunization.'
    },
    allowPrivateAddresses: {
      type: 'boolean',
      description: 'Whether the address may be private, link-local or of this machine; left out, only public ones.'
    }
  }
}
