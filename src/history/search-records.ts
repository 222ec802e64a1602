// A search over records as a Bundle.
import { permittedTypes, type Caller } from '../fhir/caller.js'
import type { Issue } from '../fhir/issue.js'
import { FhirError, toOperationOutcome } from '../fhir/operation-outcome.js'
import { joinSearchset, type BundleLink } from '../fhir/searchset.js'
import { VACCINE_TYPES, type VaccineType } from '../fhir/vaccine-types.js'
import type { RecordQuery } from '../storage/history-query.js'
import type { FoundRecord, HistoryStore } from '../storage/history-store.js'
import type { Cursors, Page, SearchPage } from './cursor.js'
import { onlyCursor, relativeUrl } from './page-link.js'
import { planSearch, type Parameter, type SearchPlan } from './plan-search.js'
import type { ReadNote } from './read-audit.js'
import { searchFault } from './search-fault.js'

interface Tools {
  store: HistoryStore
  cursors: Cursors
  note: (note: ReadNote) => void
}

/** @throws FhirError 400 for a fault in the parameters, 403 for a caller who may search no vaccine type */
export async function searchRecords(
  { store, cursors, note }: Tools,
  caller: Caller,
  parameters: readonly Parameter[],
  { base, lenient }: { base: string; lenient: boolean }
): Promise<string> {
  const vaccineTypes = permittedTypes(caller, 'S')
  if (vaccineTypes.length === 0) throw nothingPermitted()
  const cursor = onlyCursor(parameters)
  const page = cursor === undefined ? undefined : readPage(cursors.open(caller.client, cursor))
  const plan = planSearch(page?.parameters ?? parameters, {
    lenient,
    ...(page?.patientKey === undefined ? {} : { patientKey: page.patientKey })
  })
  const query = toQuery(plan, vaccineTypes, page)
  const found = plan.count === 0 ? [] : await store.findRecords(query)
  const shown = found.slice(0, plan.count)
  await noteSearch({ store, note }, caller, plan, shown)
  const links: BundleLink[] = [
    { relation: 'self', url: relativeUrl('Immunization', page === undefined ? plan.used : parameters) }
  ]
  const last = shown.at(-1)
  if (last !== undefined && found.length > shown.length)
    links.push({
      relation: 'next',
      url: `${base}/Immunization?_cursor=${cursors.seal(caller.client, nextPage(plan, last))}`
    })
  const total = await countTotal(store, plan, query, found)
  const remarks = remarksOn(vaccineTypes, plan.ignored)
  return joinSearchset({
    ...(total === undefined ? {} : { total }),
    links,
    matches: shown.map(({ recordId, body }) => ({ fullUrl: `${base}/Immunization/${recordId}`, resource: body })),
    ...(remarks.length === 0 ? {} : { outcome: toOperationOutcome(remarks) })
  })
}

// One note for each patient whose records were answered; of a search that found nothing, whom it was about.
async function noteSearch(
  { store, note }: Pick<Tools, 'store' | 'note'>,
  { client: actor }: Caller,
  { patient }: SearchPlan,
  shown: readonly FoundRecord[]
): Promise<void> {
  const found = new Map<string, number>()
  for (const { patientKey } of shown) found.set(patientKey, (found.get(patientKey) ?? 0) + 1)
  const search = { actor, type: 'immunization', interaction: 'search-type' } as const
  for (const [patientKey, count] of found) note({ ...search, patientKey, detail: { found: count } })
  if (found.size > 0) return
  const patientKey =
    patient === undefined || 'patientKey' in patient
      ? patient?.patientKey
      : await store.findPatientKey(patient.nhsNumber)
  note({ ...search, ...(patientKey === undefined ? {} : { patientKey }), detail: { found: 0 } })
}

function toQuery(plan: SearchPlan, vaccineTypes: readonly VaccineType[], page: SearchPage | undefined): RecordQuery {
  return {
    vaccineTypes,
    ...(plan.patient === undefined ? {} : { patient: plan.patient }),
    filters: plan.filters,
    survivorsOnly: plan.survivorsOnly,
    order: plan.order,
    ...(page === undefined ? {} : { after: page.after }),
    // One more than shown tells whether there is a next page.
    limit: plan.count + 1
  }
}

function nextPage(plan: SearchPlan, last: FoundRecord): SearchPage {
  return {
    kind: 'search',
    parameters: plan.used.filter(({ name }) => name !== 'patient.identifier'),
    ...(plan.patient === undefined ? {} : { patientKey: last.patientKey }),
    after: { sortKey: last.sortKey, recordId: last.recordId }
  }
}

function readPage(page: Page): SearchPage {
  if (page.kind === 'search') return page
  throw new FhirError(400, [searchFault('invalid', 'cursor-unknown', 'belongs to another search', '_cursor')])
}

// A page that holds everything needs no second look.
async function countTotal(
  store: HistoryStore,
  plan: SearchPlan,
  query: RecordQuery,
  found: readonly FoundRecord[]
): Promise<number | undefined> {
  if (plan.count === 0) return store.countRecords(query)
  if (!plan.withTotal) return undefined
  if (query.after === undefined && found.length <= plan.count) return found.length
  return store.countRecords(query)
}

/** What a searcher must know about the answer. */
export function remarksOn(vaccineTypes: readonly VaccineType[], ignored: readonly string[]): Issue[] {
  const remarks: Issue[] = []
  // Said whenever it could matter, whether or not anything was left out: silence would tell that nothing was.
  if (vaccineTypes.length < Object.keys(VACCINE_TYPES).length) {
    const text = `only vaccine types that this client may search are answered: ${vaccineTypes.join(', ')}`
    remarks.push({ severity: 'warning', code: 'security', layer: 'service', rule: 'narrowed-to-permitted-types', text })
  }
  if (ignored.length > 0) {
    const text = `${ignored.length} unknown parameters were ignored, as Prefer: handling=lenient asks; the self link has those used`
    remarks.push({ severity: 'warning', code: 'not-supported', layer: 'service', rule: 'parameters-ignored', text })
  }
  return remarks
}

export function nothingPermitted(): FhirError {
  return new FhirError(403, [
    {
      severity: 'error',
      code: 'forbidden',
      layer: 'service',
      rule: 'permission-missing',
      text: 'this client may search no vaccine type (a permission such as FLU.S); ask the operator of the Hub to grant it'
    }
  ])
}
