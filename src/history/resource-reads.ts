// read and search-type of a resource that is served read-only, whatever it is made of.
import type { FhirResource } from 'fhir/r4.js'
import { permittedTypes, type Caller } from '../fhir/caller.js'
import { FhirError, toOperationOutcome } from '../fhir/operation-outcome.js'
import { joinSearchset, type BundleLink } from '../fhir/searchset.js'
import { VACCINE_TYPES, type VaccineType } from '../fhir/vaccine-types.js'
import type { ResourceQuery, ResourceRow } from '../storage/resource-query.js'
import type { Cursors, Page, ResourcePage } from './cursor.js'
import { unlessDatabaseIsDown, type QueryOptions } from './history.js'
import { onlyCursor, relativeUrl } from './page-link.js'
import { planResourceSearch, type ResourcePlan, type ResourceSearchTable } from './plan-resource-search.js'
import type { Parameter } from './plan-search.js'
import type { ReadNote } from './read-audit.js'
import { searchFault } from './search-fault.js'
import { nothingPermitted, remarksOn } from './search-records.js'

/** One type of resource: what may be asked, where its rows come from, and how a row reads as FHIR. */
export interface ResourceKind<Filter, Row extends ResourceRow> extends ResourceSearchTable<Filter> {
  type: FhirResource['resourceType']
  /** What people should know of it: /metadata shows it. */
  documentation: string
  /** Permissions per vaccine type decide what is seen. */
  byVaccineType: boolean
  /** Wants ops/read beside the scope of its own. */
  staffOnly?: boolean
  /** An id as this resource has them; anything else cannot be one. */
  id: RegExp
  rows: {
    find(query: ResourceQuery<Filter>): Promise<Row[]>
    count(query: ResourceQuery<Filter>): Promise<number>
  }
  /** JSON text. */
  write(row: Row, seenBy: { ops: boolean }): string
}

export interface ReadResource {
  version: number
  lastUpdated: Date
  body: string
}

/** Both @throws FhirError: 400 for what was asked, 403, 404. */
export interface ResourceReads {
  readonly type: FhirResource['resourceType']
  readonly documentation: string
  readonly staffOnly: boolean
  readonly parameters: ResourceSearchTable<unknown>['parameters']
  read(caller: Caller, id: string, base: string): Promise<ReadResource>
  /** A Bundle of type searchset as JSON text. */
  search(caller: Caller, parameters: readonly Parameter[], options: QueryOptions): Promise<string>
}

export interface ResourceReadsDeps {
  cursors: Cursors
  /** Told of each patient whose data was answered. */
  note: (note: ReadNote) => void
}

export function createResourceReads<Filter extends object, Row extends ResourceRow>(
  kind: ResourceKind<Filter, Row>,
  deps: ResourceReadsDeps
): ResourceReads {
  return {
    type: kind.type,
    documentation: kind.documentation,
    staffOnly: kind.staffOnly === true,
    parameters: kind.parameters,
    read: (caller, id, base) => unlessDatabaseIsDown(() => readOne(kind, deps, caller, id, base)),
    search: (caller, parameters, options) =>
      unlessDatabaseIsDown(() => searchAll(kind, deps, caller, parameters, options))
  }
}

async function readOne<Filter extends object, Row extends ResourceRow>(
  kind: ResourceKind<Filter, Row>,
  { note }: ResourceReadsDeps,
  caller: Caller,
  id: string,
  base: string
): Promise<ReadResource> {
  const filters = kind.id.test(id) ? idFilter(kind, id, base) : undefined
  const sees = seenBy(caller, 'R')
  const [row] = filters === undefined ? [] : await kind.rows.find({ seenBy: sees, filters, descending: true, limit: 1 })
  if (row === undefined) throw notFound(kind.type)
  note({ ...noteBy(kind, caller), interaction: 'read', ...ofPatient(row), detail: { id } })
  return { version: row.version, lastUpdated: row.lastUpdated, body: kind.write(row, { ops: sees.ops }) }
}

async function searchAll<Filter extends object, Row extends ResourceRow>(
  kind: ResourceKind<Filter, Row>,
  { cursors, note }: ResourceReadsDeps,
  caller: Caller,
  parameters: readonly Parameter[],
  { base, lenient }: QueryOptions
): Promise<string> {
  const { type } = kind
  const sees = seenBy(caller, 'S')
  if (kind.byVaccineType && sees.vaccineTypes.length === 0) throw nothingPermitted()
  const cursor = onlyCursor(parameters)
  const page = cursor === undefined ? undefined : readPage(cursors.open(caller.client, cursor), type)
  const plan = planResourceSearch(page?.parameters ?? parameters, kind, { lenient, base, fromPage: page !== undefined })
  const query = toQuery(plan, sees, page)
  const found = plan.count === 0 ? [] : await kind.rows.find(query)
  const shown = found.slice(0, plan.count)
  const total = await countTotal(kind, plan, query, found)
  for (const one of distinctPatients(shown))
    note({ ...noteBy(kind, caller), interaction: 'search-type', ...one, detail: { found: shown.length } })
  const links: BundleLink[] = [
    { relation: 'self', url: relativeUrl(type, page === undefined ? plan.used : parameters) }
  ]
  const last = shown.at(-1)
  if (last !== undefined && found.length > shown.length)
    links.push({
      relation: 'next',
      url: `${base}/${type}?_cursor=${cursors.seal(caller.client, nextPage(type, plan, page, last))}`
    })
  const remarks = remarksOn(kind.byVaccineType ? sees.vaccineTypes : ALL_TYPES, plan.ignored)
  return joinSearchset({
    ...(total === undefined ? {} : { total }),
    links,
    matches: shown.map((row) => ({
      fullUrl: `${base}/${type}/${row.id}`,
      resource: kind.write(row, { ops: sees.ops })
    })),
    included: [],
    ...(remarks.length === 0 ? {} : { outcome: toOperationOutcome(remarks) })
  })
}

const ALL_TYPES = Object.keys(VACCINE_TYPES) as VaccineType[]

function seenBy(caller: Caller, permission: 'R' | 'S'): ResourceQuery['seenBy'] {
  return {
    client: caller.client,
    vaccineTypes: permittedTypes(caller, permission),
    ops: caller.scopes.has('ops/read')
  }
}

// A read is a search by id: the same eyes see the same.
function idFilter<Filter extends object, Row extends ResourceRow>(
  kind: ResourceKind<Filter, Row>,
  id: string,
  base: string
): Filter[] {
  return planResourceSearch([{ name: '_id', value: id }], kind, { lenient: false, base, fromPage: true }).filters
}

function toQuery<Filter>(
  plan: ResourcePlan<Filter>,
  sees: ResourceQuery['seenBy'],
  page: ResourcePage | undefined
): ResourceQuery<Filter> {
  const patient = page?.patientKey === undefined ? plan.patient : { patientKey: page.patientKey }
  return {
    seenBy: sees,
    filters: plan.filters,
    ...(patient === undefined ? {} : { patient }),
    descending: plan.descending,
    ...(page === undefined ? {} : { after: page.after }),
    // One more than shown tells whether there is a next page.
    limit: plan.count + 1
  }
}

function nextPage(
  type: string,
  plan: ResourcePlan<unknown>,
  page: ResourcePage | undefined,
  last: ResourceRow
): ResourcePage {
  const ofOne = plan.patient !== undefined || page?.patientKey !== undefined
  return {
    kind: 'resource',
    type,
    parameters: plan.used.filter(({ name }) => name !== 'patient.identifier'),
    ...(ofOne && last.patientKey !== null ? { patientKey: last.patientKey } : {}),
    after: { sortKey: last.sortKey, id: last.id }
  }
}

function readPage(page: Page, type: string): ResourcePage {
  if (page.kind === 'resource' && page.type === type) return page
  throw new FhirError(400, [searchFault('invalid', 'cursor-unknown', 'belongs to another search', '_cursor')])
}

// A page that holds everything needs no second look.
async function countTotal<Filter, Row extends ResourceRow>(
  { rows }: ResourceKind<Filter, Row>,
  plan: ResourcePlan<Filter>,
  query: ResourceQuery<Filter>,
  found: readonly Row[]
): Promise<number | undefined> {
  if (plan.count === 0) return rows.count(query)
  if (!plan.withTotal) return undefined
  if (query.after === undefined && found.length <= plan.count) return found.length
  return rows.count(query)
}

/** One for each patient there is something of; where nothing was found, or it is nobody's, one without a patient. */
function distinctPatients(rows: readonly ResourceRow[]): { patientKey?: string }[] {
  const keys = new Set(rows.flatMap(({ patientKey }) => patientKey ?? []))
  return keys.size === 0 ? [{}] : [...keys].map((patientKey) => ({ patientKey }))
}

function ofPatient({ patientKey }: Pick<ResourceRow, 'patientKey'>): { patientKey?: string } {
  return patientKey === null ? {} : { patientKey }
}

function noteBy({ type }: { type: string }, { client }: Caller): Pick<ReadNote, 'actor' | 'type'> {
  return { actor: client, type: type.toLowerCase() }
}

function notFound(type: string): FhirError {
  const text = `there is no such ${type} for this client; check the id`
  return new FhirError(404, [
    { severity: 'error', code: 'not-found', layer: 'service', rule: 'unknown-resource', text }
  ])
}
