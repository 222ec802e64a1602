// What this service can do, as a FHIR R4 CapabilityStatement made from the table of routes and of search parameters.
import type { CapabilityStatement, CapabilityStatementRestResource, TerminologyCapabilities } from 'fhir/r4.js'
import { ALL_SCOPES } from '../fhir/caller.js'
import { houseDefinition } from './definitions.js'
import type { Route, ServedResource } from './route.js'

export interface Capability {
  softwareVersion: string
  /** When this set of abilities was last changed: the start of the service will do. */
  date: Date
  /** True in development mode. */
  experimental: boolean
  /** Which rules records are judged by just now: versions of the programmes and of deduplication. */
  ruleSet: () => string
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
    implementation: { description: `Immunisation Hub; ${capability.ruleSet()}`, url: base },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'application/json'],
    patchFormat: ['application/json-patch+json'],
    rest: [
      {
        mode: 'server',
        security: {
          description:
            `Bearer tokens (JWT) with scopes (${ALL_SCOPES.join(', ')}) and permissions per vaccine type (FLU.CRUDS). ` +
            'Only metadata, definitions, smart-configuration, health, openapi.yaml and /docs are open.'
        },
        resource: resources.map((resource) => describeResource(resource, routes, base)),
        ...systemInteractions(routes)
      }
    ]
  }
}

/** The answer to mode=terminology: codes are checked when a record is judged, and no terminology service is offered. */
export function createTerminologyCapabilities(capability: Capability, base: string): TerminologyCapabilities {
  const { software, implementation, experimental, date } = createCapabilityStatement(capability, [], [], base)
  return {
    resourceType: 'TerminologyCapabilities',
    status: 'active',
    ...(experimental === undefined ? {} : { experimental }),
    date,
    kind: 'instance',
    ...(software === undefined ? {} : { software }),
    implementation: { description: implementation?.description ?? '', url: base },
    codeSearch: 'explicit'
  }
}

function describeResource(
  { searchParam, ...resource }: ServedResource,
  routes: readonly Route[],
  base: string
): CapabilityStatementRestResource {
  const parameters = searchParam.map((parameter) => ({
    definition: houseDefinition(base, resource.type, parameter.name),
    ...parameter
  }))
  return {
    ...resource,
    // FHIR has no empty lists.
    ...(parameters.length === 0 ? {} : { searchParam: parameters }),
    ...abilitiesOf(resource.type, routes)
  }
}

function abilitiesOf(
  type: string,
  routes: readonly Route[]
): Pick<CapabilityStatementRestResource, 'interaction' | 'operation'> {
  const served = routes.filter(({ resource }) => resource === type)
  const codes = new Set(served.flatMap(({ interaction }) => interaction ?? []))
  const operations = new Map(
    served.flatMap(({ operation }) => {
      if (operation === undefined) return []
      const { name, definition, documentation } = operation
      return [[name, { name, definition, ...(documentation === undefined ? {} : { documentation }) }] as const]
    })
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
