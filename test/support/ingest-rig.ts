// The ingest use case on a database of its own, with the real rules, and Immunizations to send to it.
import { readFileSync } from 'node:fs'
import type { Immunization, Patient } from 'fhir/r4.js'
import type { Test } from 'tap'
import { uuidv7 } from 'uuidv7'
import { createBlocks } from '../../src/dedup/patient-block.js'
import type { Wanting } from '../../src/delivery/plan-deliveries.js'
import { parsePermissions, type Caller } from '../../src/fhir/caller.js'
import { parseJson } from '../../src/fhir/parse-json.js'
import { createIngest } from '../../src/ingest/ingest.js'
import type { Ingest, Verdict } from '../../src/ingest/submission.js'
import { createPatientMerges, type PatientMerges } from '../../src/review/patient-merges.js'
import { loadRules } from '../../src/rules.js'
import { createDatabase, type Database } from '../../src/storage/database.js'
import type { Pool } from '../../src/storage/pool.js'
import { createTestDatabase } from './test-database.js'

export interface IngestRig {
  ingest: Ingest
  database: Database
  pool: Pool
  merges: PatientMerges
  post(resource: object, caller?: Caller): Promise<Verdict>
  put(recordId: string, ifMatch: number, resource: object, caller?: Caller, correction?: string): Promise<Verdict>
  remove(recordId: string, caller?: Caller, ifMatch?: number): Promise<Verdict>
  rows<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>
}

export interface RigOptions {
  destinations?: Wanting[]
  now?: () => Date
  /** The codes of what is accepted are to be looked up. */
  asksTerminology?: boolean
  onCrowded?: (recordIds: readonly string[]) => void
  onSuperseded?: (superseded: ReadonlyMap<string, number>) => void
  /** A fault of ours fails the test unless it is expected. */
  onFault?: (error: unknown) => void
}

export const rules = await loadRules()

/** Shared by the processes of a service. */
const BLOCK_KEY = Buffer.alloc(32, 7)

/** A destination for survivors and one for everything. */
export const TWO_DESTINATIONS: Wanting[] = [
  { name: 'survivors', sends: 'survivors', wants: ({ facts }) => facts.status === 'completed' },
  { name: 'everything', sends: 'all', wants: () => true }
]

export async function createIngestRig(t: Test, options: RigOptions = {}): Promise<IngestRig> {
  const { pool } = await createTestDatabase(t)
  const database = createDatabase(pool)
  return openIngest(t, pool, database, options)
}

/** A second process on the same database. */
export async function openIngest(
  t: Test,
  pool: Pool,
  database: Database,
  options: RigOptions = {}
): Promise<IngestRig> {
  const { destinations = TWO_DESTINATIONS, now = () => new Date(), asksTerminology = false } = options
  const onFault = options.onFault ?? ((error: unknown) => void t.fail('a fault of ours', { error: String(error) }))
  const auditChainId = uuidv7()
  await database.stores.audit.openChain(auditChainId, 'test')
  const ingest = createIngest({
    database,
    judges: rules,
    rules,
    blockOf: createBlocks(BLOCK_KEY),
    destinations,
    now,
    newId: uuidv7,
    asksTerminology,
    auditChainId,
    onCommitted: () => undefined,
    ...(options.onCrowded === undefined ? {} : { onCrowded: options.onCrowded }),
    ...(options.onSuperseded === undefined ? {} : { onSuperseded: options.onSuperseded }),
    onFault
  })
  const merges = createPatientMerges({
    database,
    rules,
    destinations,
    now,
    newId: uuidv7,
    auditChainId,
    onCommitted: () => undefined
  })
  const common = (caller: Caller) => ({ caller, requestId: uuidv7(), receivedAt: now() })
  const one = async (verdicts: Promise<Verdict[]>): Promise<Verdict> => (await verdicts)[0]!
  return {
    ingest,
    database,
    pool,
    merges,
    post: (resource, caller = clientOf('pharmacy')) =>
      one(ingest.accept([{ kind: 'create', payload: payloadOf(resource), ...common(caller) }])),
    put: (recordId, ifMatch, resource, caller = clientOf('pharmacy'), correction) =>
      one(
        ingest.accept([
          {
            kind: 'update',
            recordId,
            ifMatch: [ifMatch],
            payload: payloadOf(resource),
            ...common(caller),
            ...(correction === undefined ? {} : { patientCorrection: correction })
          }
        ])
      ),
    remove: (recordId, caller = clientOf('pharmacy'), ifMatch) =>
      one(
        ingest.accept([
          { kind: 'delete', recordId, ...(ifMatch === undefined ? {} : { ifMatch: [ifMatch] }), ...common(caller) }
        ])
      ),
    async rows<Row extends object>(text: string, values: unknown[] = []) {
      return (await pool.query<Row>(text, values)).rows
    }
  }
}

export function clientOf(
  client: string,
  permissions = ['*.CRUDS'],
  changedResend: Caller['changedResend'] = 'conflict'
): Caller {
  return { client, scopes: new Set(), permissions: parsePermissions(permissions), changedResend }
}

export function payloadOf(resource: object) {
  return parseJson(Buffer.from(JSON.stringify(resource)))
}

export function rulesOf(verdict: Verdict): string[] {
  return verdict.issues.map(({ rule }) => rule)
}

/** A client whose token says tolerant: true. */
export function tolerantClient(client: string): Caller {
  return { ...clientOf(client), tolerant: true }
}

/** A flu vaccination by a pharmacy on 10 October 2026, with changes. */
export function fluByPharmacy(
  changes: Partial<Immunization> & { nhsNumber?: string; value?: string; system?: string } = {}
): Immunization {
  const { nhsNumber, value, system, ...others } = changes
  const base = readFixture('flu-pharmacy-older-adult.json')
  if (nhsNumber !== undefined) (base.contained?.find(isPatient)?.identifier ?? [])[0]!.value = nhsNumber
  const identifier = [{ system: system ?? base.identifier![0]!.system!, value: value ?? uuidv7() }]
  return { ...base, identifier, ...others }
}

export function readFixture(name: string): Immunization {
  const file = new URL(`../../fixtures/immunization/valid/${name}`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')) as Immunization
}

function isPatient(resource: { resourceType: string }): resource is Patient {
  return resource.resourceType === 'Patient'
}
