// The secrets that the sandbox and the destinations pointing at it share. Made anew for every start; worth nothing elsewhere.
import { generateKeyPairSync, randomBytes } from 'node:crypto'

export interface SandboxKeys {
  nhs: { apiKey: string; keyId: string; privateKeyPem: string; publicKeyPem: string }
  mesh: {
    mailboxId: string
    mailboxPassword: string
    sharedKey: string
    /** The mailbox where routed messages arrive. */
    practice: { mailboxId: string; mailboxPassword: string }
    workflowIds: string[]
  }
  /** The secret that is being brought in, and the one that goes. */
  webhook: { secrets: [string, string] }
  eligibility: { tableName: string; hashSecret: string; accessKeyId: string; secretAccessKey: string }
}

export function createSandboxKeys(): SandboxKeys {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' }
  })
  return {
    nhs: { apiKey: secret(), keyId: 'sandbox-1', privateKeyPem: privateKey, publicKeyPem: publicKey },
    mesh: {
      mailboxId: 'X26HUB01',
      mailboxPassword: secret(),
      sharedKey: secret(),
      practice: { mailboxId: 'GPSANDBOX01', mailboxPassword: secret() },
      workflowIds: ['DIGMED_FLU_VAC', 'DIGMED_FLU_VAC_ACK', 'GPFED_CONSULT_REPORT', 'GPCONNECT_SEND_DOCUMENT']
    },
    webhook: { secrets: [webhookSecret(), webhookSecret()] },
    eligibility: {
      tableName: 'sandbox-eligibility_datastore',
      hashSecret: secret(),
      accessKeyId: `SANDBOX${randomBytes(6).toString('hex').toUpperCase()}`,
      secretAccessKey: secret()
    }
  }
}

function secret(): string {
  return randomBytes(24).toString('base64url')
}

function webhookSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}
