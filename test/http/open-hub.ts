// The whole accepting and reading side, as services.ts builds it, on a database of the test's own.
import { randomBytes, randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { uuidv7 } from 'uuidv7'
import type { Wanting } from '../../src/delivery/plan-deliveries.js'
import { createCursors } from '../../src/history/cursor.js'
import { createHistory } from '../../src/history/history.js'
import { createImmunizationStatus } from '../../src/history/immunization-status.js'
import { createReadAudit, type ReadNote } from '../../src/history/read-audit.js'
import { createServed } from '../../src/history/served.js'
import { createBundleWorker, type BundleWorker } from '../../src/http/bundle/bundle-worker.js'
import type { HttpServerDeps } from '../../src/http/server.js'
import { createIngest } from '../../src/ingest/ingest.js'
import { createPreview } from '../../src/ingest/preview.js'
import { createTogether } from '../../src/ingest/together.js'
import { loadRules } from '../../src/rules.js'
import { createDatabase, type Database } from '../../src/storage/database.js'
import type { HistoryStore } from '../../src/storage/history-store.js'
import type { Pool } from '../../src/storage/pool.js'
import { createTestDatabase } from '../support/test-database.js'
import { openDoor, type OpenDoor } from './open-door.js'

export interface OpenHub extends OpenDoor {
  pool: Pool
  database: Database
  /** Writes the notes of reads that wait. */
  flushReads(): Promise<void>
  /** Runs Bundles that are answered later; not started. */
  worker: BundleWorker
  faults: unknown[]
}

const EVERYTHING: Wanting = { name: 'everything', sends: 'all', wants: () => true }

/** `now` is the clock of acceptance: what is later than it has not happened yet. */
export async function openHub(t: Test, now: () => Date, deps: Partial<HttpServerDeps> = {}): Promise<OpenHub> {
  const { pool } = await createTestDatabase(t)
  const database = createDatabase(pool)
  const rules = await loadRules()
  const auditChainId = randomUUID()
  await database.stores.audit.openChain(auditChainId, 'test')
  const faults: unknown[] = []
  const common = {
    database,
    judges: rules,
    rules,
    destinations: [EVERYTHING],
    now,
    newId: uuidv7,
    auditChainId,
    onCommitted: () => undefined
  }
  const ingest = createIngest({ ...common, onFault: (error) => faults.push(error) })
  const together = createTogether(common)
  const preview = createPreview(common)
  t.teardown(() => Promise.all([ingest.close(), together.close(), preview.close()]))
  const cursorKey = randomBytes(32)
  const cursors = createCursors(cursorKey)
  const reads = createReadAudit({
    store: database.stores.audit,
    chainId: auditChainId,
    now,
    onFault: (error) => faults.push(error)
  })
  const note = (read: ReadNote): void => {
    reads.note(read)
  }
  const historyOn = (store: HistoryStore) => createHistory({ store, cursorKey, note, now })
  const history = historyOn(database.stores.history)
  const status = createImmunizationStatus({ store: database.stores.history, rules, note })
  const served = createServed({ stores: database.stores.served, cursors, note })
  t.teardown(() => reads.close())
  const bundles = {
    together,
    historyOn,
    jobs: database.stores.bundleJobs,
    maxBytes: 10_485_760
  }
  const log = { info: () => undefined, error: (_fields: object, message: string) => faults.push(message) }
  const judgeByProfile = (value: unknown, profile: string) => preview.judgeByProfile(value, profile)
  const base = () => 'https://hub.test/FHIR/R4'
  const worker = createBundleWorker({ ...bundles, ingest, history, judgeByProfile, now, base, log })
  t.teardown(() => worker.stop())
  const wake = (): void => {
    worker.wake()
  }
  const door = await openDoor(t, {
    ingest,
    preview,
    history,
    status,
    rules,
    served,
    cursors,
    now,
    bundles: { ...bundles, wake },
    ...deps
  })
  return { ...door, faults, pool, database, worker, flushReads: () => reads.close() }
}
