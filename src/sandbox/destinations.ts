// Destinations that point at the sandbox, shaped like the entries of destinations.yaml.
import type { SandboxKeys } from './keys.js'
import type { SandboxDestination } from './receiver.js'

export interface SandboxDestinationEntry {
  name: string
  kind: SandboxDestination
  options: Record<string, unknown>
}

/** One destination of each kind, named like its kind. Rates and timeouts are left to the defaults of the kinds. */
export function sandboxDestinations(url: string, keys: SandboxKeys): SandboxDestinationEntry[] {
  const { nhs, mesh, eligibility } = keys
  return [
    {
      name: 'nhs-immunisation-api',
      kind: 'nhs-immunisation-api',
      options: {
        baseUrl: `${url}/immunisation-fhir-api/FHIR/R4`,
        tokenUrl: `${url}/oauth2/token`,
        apiKey: nhs.apiKey,
        keyId: nhs.keyId,
        privateKeyPem: nhs.privateKeyPem
      }
    },
    {
      name: 'gp-record',
      kind: 'gp-record',
      options: {
        baseUrl: url,
        mailboxId: mesh.mailboxId,
        mailboxPassword: mesh.mailboxPassword,
        sharedKey: mesh.sharedKey,
        senderOdsCode: 'X26',
        inboxSeconds: 2
      }
    },
    {
      name: 'eligibility-store',
      kind: 'eligibility-store',
      options: {
        tableName: eligibility.tableName,
        region: 'eu-west-2',
        endpoint: url,
        hashSecret: eligibility.hashSecret,
        accessKeyId: eligibility.accessKeyId,
        secretAccessKey: eligibility.secretAccessKey
      }
    }
  ]
}
