// What this service can do, as a FHIR R4 CapabilityStatement made from the table of routes and of search parameters.
import type { CapabilityStatement, CapabilityStatementRestResource } from 'fhir/r4.js'
import type { Route, ServedResource } from './route.js'

export interface Capability {
  softwareVersion: string
  /** When this set of abilities was last changed: the start of the service will do. */
  date: Date
  /** True in development mode. */
  experimental: boolean
  /** Canonical URLs of the profiles that an Immunization is judged by. */
  profiles: readonly string[]
}

export function createCapabilityStatement(
  capability: Capability,
  routes: readonly Route[],
  resources: readonly ServedResource[],
  base: string
): CapabilityStatement {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    experimental: capability.experimental,
    date: capability.date.toISOString(),
    kind: 'instance',
    software: { name: 'Immunisation Hub', version: capability.softwareVersion },
    implementation: { description: 'Immunisation Hub', url: base },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'application/json'],
    patchFormat: ['application/json-patch+json'],
    rest: [
      {
        mode: 'server',
        security: {
          description:
            'Bearer tokens (JWT) with scopes system/Immunization.cruds and permissions per vaccine type (FLU.CRUDS). ' +
            'Only metadata, health and openapi.yaml are open.'
        },
        resource: resources.map((resource) => ({ ...resource, ...abilitiesOf(resource.type, routes) })),
        ...systemInteractions(routes)
      }
    ]
  }
}

function abilitiesOf(
  type: string,
  routes: readonly Route[]
): Pick<CapabilityStatementRestResource, 'interaction' | 'operation'> {
  const served = routes.filter(({ resource }) => resource === type)
  const codes = new Set(served.flatMap(({ interaction }) => interaction ?? []))
  const operations = new Map(
    served.flatMap(({ operation }) => (operation === undefined ? [] : [[operation.name, operation] as const]))
  )
  return {
    ...(codes.size === 0 ? {} : { interaction: [...codes].map((code) => ({ code })) }),
    ...(operations.size === 0 ? {} : { operation: [...operations.values()] })
  }
}

function systemInteractions(routes: readonly Route[]): { interaction?: { code: 'batch' | 'transaction' }[] } {
  const codes = new Set(routes.flatMap(({ systemInteraction }) => systemInteraction ?? []))
  return codes.size === 0 ? {} : { interaction: [...codes].map((code) => ({ code })) }
}
