// OperationDefinition and SearchParameter: the operations of the table of routes, and the Hub's own search parameters,
// as FHIR R4 resources that anyone may read.
import { createHash } from 'node:crypto'
import type { OperationDefinition, SearchParameter } from 'fhir/r4.js'
import type { ResourceKind } from '../history/resource-reads.js'
import { parseToken } from '../history/search-value.js'
import type { ResourceRow } from '../storage/resource-query.js'
import type { Route, ServedResource } from './route.js'

type Definition = OperationDefinition | SearchParameter

interface DefinitionRow extends ResourceRow {
  definition: Definition & { id: string; url: string; code: string }
}

type Demand = (row: DefinitionRow) => boolean

/** `date`: when this set was last changed. */
export interface DefinitionContext {
  base: string
  date: Date
  experimental: boolean
}

/** One for each operation of a type of resource. */
export function operationDefinitions(
  routes: readonly Route[],
  { base, date, experimental }: DefinitionContext
): OperationDefinition[] {
  const served = routes.flatMap((route) =>
    route.operation === undefined ? [] : [{ ...route, operation: route.operation }]
  )
  const keys = [...new Set(served.map(({ resource, operation }) => idOf(resource, operation.name)))]
  return keys.flatMap((id) => {
    const same = served.filter(({ resource, operation }) => idOf(resource, operation.name) === id)
    const [first] = same
    if (first === undefined) return []
    const { operation, resource } = first
    const onInstance = same.some(({ path }) => path.includes('/:id/'))
    const onType = resource !== undefined && same.some(({ path }) => path.includes(`/${resource}/$`))
    return [
      {
        resourceType: 'OperationDefinition' as const,
        id,
        url: `${base}/OperationDefinition/${id}`,
        name: pascal(id),
        title: `${resource ?? 'System'} $${operation.name}`,
        status: 'active' as const,
        kind: 'operation' as const,
        experimental,
        date: date.toISOString(),
        publisher: 'Immunisation Hub',
        ...(operation.documentation === undefined ? {} : { description: operation.documentation }),
        affectsState: operation.affectsState === true,
        code: operation.name,
        ...(operation.definition.startsWith(base) ? {} : { base: operation.definition }),
        ...(resource === undefined ? {} : { resource: [resource] }),
        system: !onType && !onInstance,
        type: onType,
        instance: onInstance,
        ...(operation.parameter === undefined ? {} : { parameter: [...operation.parameter] })
      }
    ]
  })
}

/** Those that R4 does not define. */
export function searchParameters(
  resources: readonly ServedResource[],
  { base, date, experimental }: DefinitionContext
): SearchParameter[] {
  return resources.flatMap(({ type, searchParam }) =>
    searchParam
      .filter(({ definition }) => definition === undefined)
      .map((parameter) => {
        const id = idOf(type, parameter.name)
        const url = houseDefinition(base, type, parameter.name)
        return {
          resourceType: 'SearchParameter' as const,
          id,
          url,
          name: pascal(id),
          status: 'active' as const,
          experimental,
          date: date.toISOString(),
          publisher: 'Immunisation Hub',
          description: parameter.documentation,
          code: parameter.name,
          base: [type],
          type: parameter.type
        }
      })
  )
}

/** Canonical URL of a search parameter of the Hub's own. */
export function houseDefinition(base: string, type: string, name: string): string {
  return `${base}/SearchParameter/${idOf(type, name)}`
}

/** Read and searched like any other resource, from memory. */
export function definitionKind(
  type: Definition['resourceType'],
  documentation: string,
  definitions: () => readonly Definition[]
): ResourceKind<Demand, DefinitionRow> {
  const matching = (filters: readonly Demand[]): DefinitionRow[] =>
    definitions()
      .map(toRow)
      .filter((row) => filters.every((filter) => filter(row)))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
  return {
    type,
    documentation,
    byVaccineType: false,
    id: /^[A-Za-z0-9.-]{1,64}$/,
    parameters: [
      {
        name: '_id',
        type: 'token',
        definition: 'http://hl7.org/fhir/SearchParameter/Resource-id',
        documentation: 'Logical id.',
        demand: (ids) => (row) => ids.includes(row.id)
      },
      {
        name: 'url',
        type: 'uri',
        definition: 'http://hl7.org/fhir/SearchParameter/conformance-url',
        documentation: 'Canonical URL.',
        demand: (urls) => (row) => urls.includes(row.definition.url)
      },
      {
        name: 'code',
        type: 'token',
        definition: `http://hl7.org/fhir/SearchParameter/${type === 'SearchParameter' ? 'SearchParameter-code' : 'OperationDefinition-code'}`,
        documentation: 'The name it is called by.',
        demand: (codes) => {
          const wanted = codes.map((code) => parseToken(code).code)
          return (row) => wanted.includes(row.definition.code)
        }
      }
    ],
    rows: {
      find({ filters, after, limit, descending }) {
        const ordered = descending ? matching(filters) : matching(filters).reverse()
        const from = after === undefined ? 0 : ordered.findIndex(({ id }) => id === after.id) + 1
        return Promise.resolve(ordered.slice(from, from + limit))
      },
      count: ({ filters }) => Promise.resolve(matching(filters).length)
    },
    write: ({ definition }) => JSON.stringify(definition)
  }
}

function toRow(definition: Definition): DefinitionRow {
  const { id = '', url = '', code, date = '' } = definition
  return {
    id,
    version: fingerprintOf(definition),
    lastUpdated: new Date(date),
    sortKey: id,
    patientKey: null,
    definition: { ...definition, id, url, code }
  }
}

/** Changes with the content, from one release to the next: nobody counts versions of these. */
function fingerprintOf(definition: Definition): number {
  return createHash('sha256').update(JSON.stringify(definition)).digest().readUInt32BE()
}

function idOf(type: string | undefined, name: string): string {
  return `${type ?? 'System'}-${name.replace(/^-/, '')}`
}

/** A name that programs can use: `ImmunizationPatientIdentifier`. */
function pascal(id: string): string {
  return id.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_found, letter: string) => letter.toUpperCase())
}
