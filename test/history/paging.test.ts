import t from 'tap'
import { createDatabase } from '../../src/storage/database.js'
import type { VersionWrite } from '../../src/storage/version-writes.js'
import { endOfFhirDateTime, parseFhirDateTime } from '../../src/fhir/dates.js'
import { createRandom } from '../support/synthetic.js'
import { ids, NOW, openHistory } from './ask-history.js'
import { bodyOf, keepRecord, type KeptRow } from './kept-rows.js'

const { pool, search, pages, newPatient } = await openHistory(t)
const database = createDatabase(pool)
const SORTS = [
  'date',
  '-date',
  '_lastUpdated',
  '-_lastUpdated',
  '_id',
  '-_id',
  'date,-_lastUpdated',
  '-_lastUpdated,date,_id'
]

function occurrenceOf(text: string): { londonDay: string; from: Date; until: Date } {
  const parsed = parseFhirDateTime(text)
  if (parsed === undefined) throw new Error(`${text} is no dateTime`)
  return { ...parsed, until: endOfFhirDateTime(parsed, 1) }
}

function createGate(): { passed: Promise<void>; open: () => void } {
  let open = (): void => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open }
}

/** The next version of a record, as ingest writes it. */
function nextVersion(row: KeptRow, change: Partial<KeptRow>): { row: KeptRow; write: VersionWrite } {
  const next = { ...row, ...change, version: row.version + 1 }
  const { londonDay, from, until } = occurrenceOf(next.occurrence)
  const operation = next.deleted ? 'delete' : 'update'
  return {
    row: next,
    write: {
      head: {
        recordId: row.recordId,
        patientKey: row.patientKey,
        numberKey: row.patientKey,
        identifierSystem: row.identifier.system,
        identifierValue: row.identifier.value,
        owner: 'sandwell-pharmacy',
        vaccineType: row.vaccineType,
        status: 'completed',
        version: next.version,
        deleted: next.deleted,
        occurrenceDay: londonDay,
        occurrenceFrom: from,
        contentSha256: Buffer.alloc(1),
        clinicalSha256: Buffer.alloc(1),
        lastUpdated: next.lastUpdated
      },
      operation,
      supplier: 'sandwell-pharmacy',
      requestId: 'request',
      reason: null,
      payloadSha256: Buffer.alloc(1),
      outcome: null,
      programmes: [],
      body: next.deleted ? null : bodyOf(next),
      fingerprint: { antigens: [], features: {} },
      block: null,
      search: next.deleted ? null : { occurrenceUntil: until, lotNumber: null }
    }
  }
}

for (const sort of SORTS)
  t.test(`sorted by ${sort}, pages hold what existed throughout exactly once, whatever others write`, async (t) => {
    for (let seed = 1; seed <= 3; seed++) {
      const random = createRandom(seed)
      const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item
      const { patientKey, of } = await newPatient()
      const day = (): string =>
        pick(['2024', '2025-03', '2026-01-05', '2026-01-05T10:00:00Z', '2026-02-01T10:00:00.250+01:00'])
      const moment = (): Date => new Date(NOW.getTime() - Math.floor(random() * 4) * 60_000)
      const rows = new Map<string, KeptRow>()
      for (let index = 0; index < 24; index++) {
        const row = await keepRecord(pool, { patientKey, occurrence: day(), lastUpdated: moment() })
        rows.set(row.recordId, row)
      }
      const throughout = new Set(rows.keys())
      const first = await search(`${of}&_sort=${sort}`)
      t.equal(first.matches.length, 24)

      // One writer holds its transaction open over the end of the first page.
      const slow = [...rows.values()].slice(0, 3)
      const opened = createGate()
      const released = createGate()
      const slowly = database.transaction(async (stores) => {
        const writes = slow.map((row) => nextVersion(row, { occurrence: day(), lastUpdated: moment() }))
        for (const { row } of writes) rows.set(row.recordId, row)
        await stores.records.writeVersions(writes.map(({ write }) => write))
        opened.open()
        await released.passed
      })
      await opened.passed

      const seen: string[] = []
      for await (const matches of pages(`${of}&_sort=${sort}&_count=${1 + Math.floor(random() * 5)}`)) {
        seen.push(...matches)
        released.open()
        await slowly
        for (let index = 0; index < 3; index++) {
          const row = pick([...rows.values()])
          if (row.deleted) continue
          const gone = random() < 0.2
          if (gone) throughout.delete(row.recordId)
          const next = nextVersion(row, { occurrence: day(), lastUpdated: moment(), deleted: gone })
          rows.set(row.recordId, next.row)
          await database.transaction((stores) => stores.records.writeVersions([next.write]))
        }
        const born = await keepRecord(pool, { patientKey, occurrence: day(), lastUpdated: moment() })
        rows.set(born.recordId, born)
      }

      t.equal(new Set(seen).size, seen.length, `seed ${seed}: none is shown twice`)
      t.same(
        [...throughout].filter((id) => !seen.includes(id)),
        [],
        `seed ${seed}: none is missing`
      )
      t.ok(throughout.size > 5, 'there is something to lose')
    }
  })

t.test('without writes the pages are the unpaged set, in its order, with its total', async (t) => {
  const { patientKey, of } = await newPatient()
  const rows: KeptRow[] = []
  for (let index = 0; index < 7; index++) rows.push(await keepRecord(pool, { patientKey, occurrence: '2026-01-05' }))
  for (const sort of SORTS) {
    const whole = (await search(`${of}&_sort=${sort}`)).matches
    t.same([...whole].sort(), ids(rows).sort())
    const seen: string[] = []
    for await (const matches of pages(`${of}&_sort=${sort}&_count=3`)) seen.push(...matches)
    t.same(seen, whole, sort)
  }
})

t.test('a page link leaves out records that were made since, in the total too', async (t) => {
  const { patientKey, of } = await newPatient()
  for (let index = 0; index < 3; index++) await keepRecord(pool, { patientKey })
  const first = await search(`${of}&_count=1`)
  await keepRecord(pool, { patientKey, occurrence: '2020', lastUpdated: NOW })
  const second = await search(first.next?.split('?')[1] ?? '')
  t.equal(second.bundle.total, 3)
  t.equal((await search(of)).bundle.total, 4)
})
