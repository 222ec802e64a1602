// A search over records as a Bundle.
import { permittedTypes, type Caller } from '../fhir/caller.js'
import type { Issue } from '../fhir/issue.js'
import { FhirError, toOperationOutcome } from '../fhir/operation-outcome.js'
import { joinSearchset, type BundleLink, type SearchsetEntry } from '../fhir/searchset.js'
import { VACCINE_TYPES, type VaccineType } from '../fhir/vaccine-types.js'
import type { RecordQuery } from '../storage/history-query.js'
import type { FoundRecord, HistoryStore } from '../storage/history-store.js'
import { shapeBody } from './answer-shape.js'
import { composePatients } from './compose-patient.js'
import type { Cursors, Page, SearchPage } from './cursor.js'
import { memberExtension } from './member-extension.js'
import { onlyCursor, relativeUrl } from './page-link.js'
import { namesPatient, planSearch, type Parameter, type SearchPlan } from './plan-search.js'
import type { ReadNote } from './read-audit.js'
import { searchFault } from './search-fault.js'
import { provenanceId, toProvenance } from './write-provenance.js'

interface Tools {
  store: HistoryStore
  cursors: Cursors
  note: (note: ReadNote) => void
  now: () => Date
}

/** @throws FhirError 400 for a fault in the parameters, 403 for a caller who may search no vaccine type */
export async function searchRecords(
  { store, cursors, note, now }: Tools,
  caller: Caller,
  parameters: readonly Parameter[],
  { base, lenient }: { base: string; lenient: boolean }
): Promise<string> {
  const vaccineTypes = permittedTypes(caller, 'S')
  if (vaccineTypes.length === 0) throw nothingPermitted()
  const cursor = onlyCursor(parameters)
  const page = cursor === undefined ? undefined : readPage(cursors.open(caller.client, cursor))
  const at = page === undefined ? now() : new Date(page.after.snapshot.at)
  const plan = planSearch(page?.parameters ?? parameters, {
    lenient,
    base,
    now: at,
    ...(page?.patientKey === undefined ? {} : { patientKey: page.patientKey })
  })
  const query = toQuery(plan, vaccineTypes, page)
  const { records: found, transactions } = plan.count === 0 ? { records: [] } : await store.findRecords(query)
  const shown = found.slice(0, plan.count)
  await noteSearch({ store, note }, caller, plan, shown)
  const links: BundleLink[] = [
    { relation: 'self', url: relativeUrl('Immunization', page === undefined ? plan.used : parameters) }
  ]
  const last = shown.at(-1)
  if (last !== undefined && found.length > shown.length) {
    const snapshot = page?.after.snapshot ?? { transactions: transactions ?? '', at: at.toISOString() }
    const next = cursors.seal(caller.client, nextPage(plan, last, snapshot))
    links.push({ relation: 'next', url: `${base}/Immunization?_cursor=${next}` })
  }
  const total = await countTotal(store, plan, query, found)
  const remarks = remarksOn(vaccineTypes, plan.ignored)
  return joinSearchset({
    ...(total === undefined ? {} : { total }),
    links,
    matches: shown.map(({ recordId, body, event }) => ({
      fullUrl: `${base}/Immunization/${recordId}`,
      resource: shapeBody(body, plan.shape),
      ...(plan.withRoles && event !== undefined ? { extension: [memberExtension(event)] } : {})
    })),
    included: include(plan, shown, base),
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
    withRoles: plan.withRoles,
    order: plan.order,
    ...(page === undefined ? {} : { after: readPosition(page) }),
    // One more than shown tells whether there is a next page.
    limit: plan.count + 1
  }
}

function readPosition({ after }: SearchPage): NonNullable<RecordQuery['after']> {
  const { transactions, at } = after.snapshot
  return { ...after, snapshot: { transactions, at: new Date(at) } }
}

function nextPage(plan: SearchPlan, last: FoundRecord, snapshot: SearchPage['after']['snapshot']): SearchPage {
  return {
    kind: 'search',
    parameters: plan.used.filter(({ name }) => !namesPatient(name)),
    ...(plan.patient === undefined ? {} : { patientKey: last.patientKey }),
    after: { sortKeys: last.sortKeys, recordId: last.recordId, snapshot }
  }
}

function readPage(page: Page): SearchPage {
  if (page.kind === 'search') return page
  throw new FhirError(400, [searchFault('invalid', 'cursor-unknown', 'belongs to another search', '_cursor')])
}

function include(
  { withPatients, withProvenance }: SearchPlan,
  shown: readonly FoundRecord[],
  base: string
): SearchsetEntry[] {
  // A composed Patient stands at no URL; its id is a UUID.
  const patients = (withPatients ? composePatients(shown) : []).map((patient) => ({
    fullUrl: `urn:uuid:${patient.id}`,
    resource: JSON.stringify(patient)
  }))
  const provenance = (withProvenance ? shown : []).map(({ sent }) => ({
    fullUrl: `${base}/Provenance/${provenanceId(sent)}`,
    resource: toProvenance(sent)
  }))
  return [...patients, ...provenance]
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
