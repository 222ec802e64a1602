// A history on a database of its own, and questions to ask it.
import { randomBytes } from 'node:crypto'
import type { Bundle, BundleEntry, OperationOutcome } from 'fhir/r4.js'
import type { Test } from 'tap'
import { parsePermissions, type Caller, type Scope } from '../../src/fhir/caller.js'
import { checkDigit } from '../../src/fhir/nhs-number.js'
import { FhirError } from '../../src/fhir/operation-outcome.js'
import { VACCINE_TYPES } from '../../src/fhir/vaccine-types.js'
import { createHistory, type History } from '../../src/history/history.js'
import type { Parameter } from '../../src/history/plan-search.js'
import { createDatabase } from '../../src/storage/database.js'
import type { HistoryStore } from '../../src/storage/history-store.js'
import type { Pool } from '../../src/storage/pool.js'
import { createTestDatabase } from '../support/test-database.js'
import { keepPatient, type KeptRow } from './kept-rows.js'

export const BASE = 'https://hub.test/FHIR/R4'
export const NHS_NUMBER = 'https://fhir.nhs.uk/Id/nhs-number'
export const CURSOR_KEY = randomBytes(32)
export const ALL_TYPES = Object.keys(VACCINE_TYPES).map((type) => `${type}.CRUDS`)
export const NOW = new Date('2026-11-02T09:00:00.000Z')

export function callerWith(permissions: string[], client = 'gp-practice', scopes: Scope[] = []): Caller {
  return { client, scopes: new Set(scopes), permissions: parsePermissions(permissions), changedResend: 'conflict' }
}
export const everything = callerWith(ALL_TYPES)

export function parametersOf(query: string): Parameter[] {
  return query.split('&').map((pair) => {
    const [name = '', value = ''] = pair.split('=').map(decodeURIComponent)
    return { name, value }
  })
}

export interface Found {
  text: string
  bundle: Bundle
  matches: string[]
  included: BundleEntry[]
  outcomes: string[]
  next: string | undefined
  self: string | undefined
}

export interface AskedHistory {
  pool: Pool
  store: HistoryStore
  history: History
  search: (query: string, caller?: Caller, lenient?: boolean) => Promise<Found>
  /** Every page from a first one on: the ids of its matches. */
  pages: (query: string) => AsyncGenerator<string[]>
  /** A patient of the test alone, with a number of the 999 test range. `of`: a query for the history. */
  newPatient: () => Promise<{ patientKey: string; nhsNumber: string; of: string }>
}

export async function openHistory(t: Test): Promise<AskedHistory> {
  const { pool } = await createTestDatabase(t)
  const store = createDatabase(pool).stores.history
  const history = createHistory({ store, cursorKey: CURSOR_KEY, now: () => NOW })
  // From 9990000026 on: 9990000018 stays nobody's.
  let serial = 1

  async function search(query: string, caller = everything, lenient = false): Promise<Found> {
    return readFound(await history.search(caller, parametersOf(query), { base: BASE, lenient }))
  }
  return {
    pool,
    store,
    history,
    search,
    async *pages(query) {
      for (let next: string | undefined = query; next !== undefined;) {
        const page: Found = await search(next)
        yield page.matches
        next = page.next?.split('?')[1]
      }
    },
    async newPatient() {
      for (;;) {
        const digits = `99900${String(++serial).padStart(4, '0')}`
        const check = checkDigit(digits)
        if (check === undefined) continue
        const nhsNumber = `${digits}${check}`
        const patientKey = await keepPatient(pool, nhsNumber)
        return { patientKey, nhsNumber, of: `patient.identifier=${NHS_NUMBER}|${nhsNumber}` }
      }
    }
  }
}

function readFound(text: string): Found {
  const bundle = JSON.parse(text) as Bundle
  const inMode = (mode: string) => (bundle.entry ?? []).filter((entry) => entry.search?.mode === mode)
  const link = (relation: string) => bundle.link?.find((one) => one.relation === relation)?.url
  return {
    text,
    bundle,
    matches: inMode('match').map((entry) => entry.resource?.id ?? ''),
    included: inMode('include'),
    outcomes: inMode('outcome').flatMap(rulesOf),
    next: link('next'),
    self: link('self')
  }
}

function rulesOf(entry: BundleEntry): string[] {
  return (entry.resource as OperationOutcome).issue.map((issue) => issue.details?.coding?.[0]?.code ?? '')
}

export async function refusal(promise: Promise<unknown>): Promise<{ status: number; rules: string[]; text: string }> {
  try {
    await promise
  } catch (error) {
    if (error instanceof FhirError)
      return { status: error.status, rules: error.issues.map(({ rule }) => rule), text: error.message }
    throw error
  }
  return { status: 200, rules: [], text: '' }
}

export const ids = (rows: readonly KeptRow[]): string[] => rows.map(({ recordId }) => recordId)
