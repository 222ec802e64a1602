// What this service can do, as a FHIR R4 CapabilityStatement made from the table of routes and of search parameters.
import type {
  CapabilityStatement,
  CapabilityStatementRestResourceInteraction,
  CapabilityStatementRestResourceSearchParam
} from 'fhir/r4.js'
import { RESULT_PARAMETERS } from '../history/result-parameters.js'
import { SEARCH_PARAMETERS } from '../history/search-parameters.js'
import type { Route } from './route.js'

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
    rest: [
      {
        mode: 'server',
        security: {
          description:
            'Bearer tokens (JWT) with scopes system/Immunization.cruds and permissions per vaccine type (FLU.CRUDS). ' +
            'Only metadata, health and openapi.yaml are open.'
        },
        resource: [
          {
            type: 'Immunization',
            ...(capability.profiles.length === 0 ? {} : { supportedProfile: [...capability.profiles] }),
            documentation:
              'One identifier (system and value) names a vaccination: sent again it is answered 200 and nothing is written. ' +
              `Parameters that shape a search: ${RESULT_PARAMETERS.map(({ name, documentation }) => `${name}: ${documentation}`).join(' ')}`,
            interaction: interactionsOf(routes),
            operation: operationsOf(routes),
            versioning: 'versioned-update',
            readHistory: true,
            updateCreate: false,
            conditionalCreate: false,
            conditionalRead: 'full-support',
            conditionalUpdate: false,
            conditionalDelete: 'not-supported',
            searchParam: searchParameters()
          }
        ]
      }
    ]
  }
}

function interactionsOf(routes: readonly Route[]): CapabilityStatementRestResourceInteraction[] {
  const codes = new Set(routes.flatMap(({ interaction }) => interaction ?? []))
  return [...codes].map((code) => ({ code }))
}

function operationsOf(routes: readonly Route[]): NonNullable<Route['operation']>[] {
  return [
    ...new Map(
      routes.flatMap(({ operation }) => (operation === undefined ? [] : [[operation.name, operation]]))
    ).values()
  ]
}

function searchParameters(): CapabilityStatementRestResourceSearchParam[] {
  return SEARCH_PARAMETERS.map(({ name, type, definition, documentation }) => ({
    name,
    type,
    documentation,
    ...(definition === undefined ? {} : { definition })
  }))
}
