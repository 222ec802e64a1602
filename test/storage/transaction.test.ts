import t from 'tap'
import { createDatabase } from '../../src/storage/database.js'
import { createPool } from '../../src/storage/pool.js'
import { nameStatement } from '../../src/storage/statement-names.js'
import { seedRecord } from '../support/seed-deliveries.js'
import { createTestDatabase } from '../support/test-database.js'

t.test('a column that another release adds is no fault of the statements that are prepared', async (t) => {
  const { pool: admin, connection } = await createTestDatabase(t)
  // One connection, so that each transaction meets the statements of the one before.
  const pool = createPool(connection, { maxConnections: 1 })
  t.teardown(() => pool.end())
  const { recordId } = await seedRecord(admin, { destinations: ['gp'] })
  let tries = 0
  const lockHead = (): Promise<unknown> =>
    createDatabase(pool).transaction(({ records }) => {
      tries++
      return records.lockHeads({ identifiers: [], recordIds: [recordId] })
    })
  const before = await lockHead()
  const prepared = await pool.query(`select from pg_prepared_statements where name like 'hub%'`)
  t.ok(prepared.rowCount)

  await admin.query('alter table record add column fridge text')
  tries = 0

  t.same(await lockHead(), before)
  t.equal(tries, 2, 'the second time on a new connection')
})

// The last one: the names are those of the process.
t.test('a statement has one name, and a text too many has none', (t) => {
  const first = nameStatement('select 1')
  t.match(first, /^hub_\d+$/)
  t.equal(nameStatement('select 1'), first)
  const names = new Set(Array.from({ length: 1_000 }, (_, n) => nameStatement(`select ${n}, 2`)))
  t.ok(names.size <= 401, `${names.size} names`)
  t.ok(names.has(undefined))
  t.equal(nameStatement('select 1'), first)
  t.end()
})
