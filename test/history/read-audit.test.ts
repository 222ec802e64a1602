import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Test } from 'tap'
import { FhirError } from '../../src/fhir/operation-outcome.js'
import { createReadAudit, type ReadAudit, type ReadNote } from '../../src/history/read-audit.js'
import type { AuditEntry, AuditStore } from '../../src/storage/audit-store.js'
import { createDatabase } from '../../src/storage/database.js'
import { createTestDatabase } from '../support/test-database.js'
import { waitFor } from '../support/wait-for.js'

const AT = new Date('2026-11-02T09:00:00Z')
const noted = (recordId: string): ReadNote => ({ actor: 'ward', type: 'immunization', interaction: 'read', recordId })

async function openAudit(
  t: Test,
  through: (store: AuditStore) => Pick<AuditStore, 'append'> = (store) => store
): Promise<{ audit: ReadAudit; store: AuditStore; written: () => Promise<string[]>; faults: unknown[] }> {
  const { pool } = await createTestDatabase(t)
  const store = createDatabase(pool).stores.audit
  const chainId = randomUUID()
  await store.openChain(chainId, 'reads')
  const faults: unknown[] = []
  const audit = createReadAudit({
    store: through(store),
    chainId,
    now: () => AT,
    onFault: (error) => faults.push(error)
  })
  return {
    audit,
    store,
    faults,
    async written() {
      const { rows } = await pool.query<{ record_id: string }>(
        `select record_id from audit_entry where action = 'read.immunization.read' order by position`
      )
      return rows.map(({ record_id: id }) => id)
    }
  }
}

t.test('reads are written by themselves, in their order, and the chain holds', async (t) => {
  const { audit, store, written, faults } = await openAudit(t)
  const ids = Array.from({ length: 600 }, () => randomUUID())
  for (const id of ids) audit.note(noted(id))
  await waitFor(async () => (await written()).length === ids.length, 'every read in the trail')
  t.same(await written(), ids)
  t.same(await store.findBrokenChains(), [])
  t.same(faults, [])
  await audit.close()
})

t.test('a stop writes what waits, also what came while it was writing', async (t) => {
  const { audit, written } = await openAudit(t)
  const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()]
  audit.note(noted(first))
  const closing = audit.close()
  audit.note(noted(second))
  await closing
  audit.note(noted(third))
  await audit.close()
  t.same(await written(), [first, second, third])
  await audit.close()
})

t.test('what could not be written is told of, kept, and written later, once', async (t) => {
  let down = true
  const { audit, written, faults } = await openAudit(t, (store) => ({
    append: (chainId: string, entries: readonly AuditEntry[]) =>
      down ? Promise.reject(new Error('the database is away')) : store.append(chainId, entries)
  }))
  const ids = [randomUUID(), randomUUID()]
  for (const id of ids) audit.note(noted(id))
  await t.rejects(audit.close(), { message: 'the database is away' })
  t.same(await written(), [])
  down = false
  await audit.close()
  t.same(await written(), ids)
  t.same(faults, [], 'a stop rejects by itself')
})

t.test('nothing more is read when it can no longer be accounted for', async (t) => {
  const { audit } = await openAudit(t, () => ({ append: () => Promise.reject(new Error('away')) }))
  const id = randomUUID()
  let answered: unknown
  for (let index = 0; index < 60_000 && answered === undefined; index++)
    try {
      audit.note(noted(id))
    } catch (error) {
      answered = error
    }
  t.ok(answered instanceof FhirError)
  t.match(answered, { status: 503, issues: [{ rule: 'audit-unavailable' }], headers: { 'Retry-After': '5' } })
  await t.rejects(audit.close())
})
