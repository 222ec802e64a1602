// Destinations that point at the sandbox, shaped like the entries of destinations.yaml.
import type { SandboxKeys } from './keys.js'
import type { SandboxDestination } from './receiver.js'

export interface SandboxDestinationEntry {
  name: string
  kind: SandboxDestination
  options: Record<string, unknown>
}

/** What a development service delivers to: the first three of the kinds, which the demo tells about. */
export function developmentDestinations(url: string, keys: SandboxKeys): SandboxDestinationEntry[] {
  const chosen: readonly SandboxDestination[] = ['nhs-immunisation-api', 'gp-record', 'eligibility-store']
  return sandboxDestinations(url, keys).filter(({ kind }) => chosen.includes(kind))
}

/** One destination of each kind, named like its kind. Rates and timeouts are left to the defaults of the kinds. */
export function sandboxDestinations(url: string, keys: SandboxKeys): SandboxDestinationEntry[] {
  return [...nationalDestinations(url, keys), ...openDestinations(url, keys)]
}

/** The kinds that anybody's receiver may be of. */
function openDestinations(url: string, { nhs, webhook }: SandboxKeys): SandboxDestinationEntry[] {
  return [
    {
      name: 'mns-event',
      kind: 'mns-event',
      options: {
        baseUrl: `${url}/multicast-notification-service`,
        tokenUrl: `${url}/oauth2/token`,
        apiKey: nhs.apiKey,
        keyId: nhs.keyId,
        privateKeyPem: nhs.privateKeyPem,
        source: 'example.immunisation-hub',
        recordBaseUrl: 'http://127.0.0.1/FHIR/R4'
      }
    },
    {
      name: 'fhir-rest',
      kind: 'fhir-rest',
      options: {
        baseUrl: `${url}/fhir/r4`,
        tokenUrl: `${url}/fhir/oauth2/token`,
        clientId: nhs.apiKey,
        keyId: nhs.keyId,
        privateKeyPem: nhs.privateKeyPem
      }
    },
    {
      name: 'webhook',
      kind: 'webhook',
      options: {
        url: `${url}/webhook`,
        secret: webhook.secrets.join(' '),
        content: 'resource',
        allowPrivateAddresses: true
      }
    }
  ]
}

function nationalDestinations(url: string, keys: SandboxKeys): SandboxDestinationEntry[] {
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
