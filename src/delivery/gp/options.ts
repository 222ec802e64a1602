// Options of a destination of kind gp-record, as destinations.yaml gives them.

export interface GpOptions {
  baseUrl: string
  mailboxId: string
  senderOdsCode: string
  workflowId?: string
  recipientMailboxId?: string
  birthDateFormat?: 'YYYYMMDD' | 'DDMMYYYY'
  gpSuppliers?: string[]
  inboxSeconds?: number
  acknowledgementHours?: number
}

/** The workflow that belongs to the content we send: ITK009D, Digital Medicine Immunization Document. */
export const DEFAULT_WORKFLOW_ID = 'DIGMED_FLU_VAC'

export const DEFAULT_INBOX_SECONDS = 300
/** Five days: by then MESH reports a message that nobody collected. */
export const DEFAULT_ACKNOWLEDGEMENT_HOURS = 120

export const gpOptionsSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['baseUrl', 'mailboxId', 'senderOdsCode'],
  allOf: [
    { oneOf: [{ required: ['mailboxPasswordFile'] }, { required: ['mailboxPassword'] }] },
    { oneOf: [{ required: ['sharedKeyFile'] }, { required: ['sharedKey'] }] }
  ],
  dependentRequired: {
    clientCertificateFile: ['clientKeyFile'],
    clientKeyFile: ['clientCertificateFile']
  },
  properties: {
    baseUrl: {
      type: 'string',
      pattern: '^https?://',
      description: 'Address of the MESH API, before /messageexchange, without a slash at the end.'
    },
    mailboxId: { type: 'string', pattern: '^[A-Za-z0-9]+$', description: 'Our MESH mailbox: the sender.' },
    mailboxPasswordFile: { type: 'string', minLength: 1, description: 'File with the password of the mailbox.' },
    mailboxPassword: {
      type: 'string',
      minLength: 1,
      description: 'The password of the mailbox itself; for the sandbox, use mailboxPasswordFile elsewhere.'
    },
    sharedKeyFile: { type: 'string', minLength: 1, description: 'File with the shared key of the MESH environment.' },
    sharedKey: {
      type: 'string',
      minLength: 1,
      description: 'The shared key itself; for the sandbox, use sharedKeyFile elsewhere.'
    },
    clientCertificateFile: {
      type: 'string',
      minLength: 1,
      description: 'File with the TLS client certificate in PEM form; MESH asks for one, the sandbox does not.'
    },
    clientKeyFile: { type: 'string', minLength: 1, description: 'File with the key of the client certificate, PEM.' },
    certificateAuthorityFile: {
      type: 'string',
      minLength: 1,
      description: 'File with the root and sub CA certificates of MESH, PEM; left out, those of Node are used.'
    },
    senderOdsCode: {
      type: 'string',
      pattern: '^[A-Z0-9]{3,10}$',
      description: 'ODS code of the organisation that sends: MessageHeader.sender.'
    },
    workflowId: {
      type: 'string',
      minLength: 1,
      default: DEFAULT_WORKFLOW_ID,
      description: 'MESH workflow of the messages.'
    },
    recipientMailboxId: {
      type: 'string',
      pattern: '^[A-Za-z0-9]+$',
      description:
        'Mailbox that gets every message. Left out, MESH routes each message to the practice where its patient is registered.'
    },
    birthDateFormat: {
      enum: ['YYYYMMDD', 'DDMMYYYY'],
      default: 'YYYYMMDD',
      description: 'How the routing address writes the date of birth: the guides of MESH and of GP Connect differ.'
    },
    gpSuppliers: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      uniqueItems: true,
      description: 'Clients that are GP systems: what they report is in the GP record already and is not sent back.'
    },
    inboxSeconds: {
      type: 'number',
      exclusiveMinimum: 0,
      default: DEFAULT_INBOX_SECONDS,
      description: 'How often our inbox is looked into for acknowledgements, by one of all worker processes.'
    },
    acknowledgementHours: {
      type: 'number',
      exclusiveMinimum: 0,
      default: DEFAULT_ACKNOWLEDGEMENT_HOURS,
      description: 'How long a practice may take to acknowledge a message before a person is told.'
    }
  }
}
