import t from 'tap'
import { createPool } from '../../src/storage/pool.js'
import { freePort } from '../support/free-port.js'
import { createEmptyDatabase } from '../support/test-database.js'
import { waitFor } from '../support/wait-for.js'

const { pool, connection } = await createEmptyDatabase(t)

t.test('a date is a calendar day, an instant is a Date, a count is a number', async (t) => {
  const { rows } = await pool.query(
    `select date '2026-03-29' as day,
            array[date '2026-03-29', null] as days,
            timestamptz '2026-03-29T01:30:00+01:00' as instant,
            count(*) as counted,
            array[1::bigint, null] as counts,
            12.50::numeric as amount,
            '\\x00ff'::bytea as bytes,
            '{"a":[1]}'::jsonb as document`
  )
  t.same(rows[0], {
    day: '2026-03-29',
    days: ['2026-03-29', null],
    instant: new Date('2026-03-29T00:30:00Z'),
    counted: 1,
    counts: [1, null],
    amount: '12.50',
    bytes: Buffer.from([0, 255]),
    document: { a: [1] }
  })
})

t.test('a bigint that no number holds exactly is an error, and the connection goes on', async (t) => {
  t.same((await pool.query('select 9007199254740991::bigint as n')).rows, [{ n: Number.MAX_SAFE_INTEGER }])
  await t.rejects(pool.query('select 9007199254740992::bigint as n'), { name: 'RangeError' })
  t.same((await pool.query('select 1 as n')).rows, [{ n: 1 }])
})

t.test('connections that the server ends, idle or in use, do not end the process', async (t) => {
  const errors: Error[] = []
  const victim = createPool(connection, { applicationName: 'victim', onError: (error) => errors.push(error) })
  t.teardown(() => victim.end())
  const inUse = await victim.connect()
  const idle = await victim.connect()
  idle.release()

  await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'`)
  await waitFor(() => errors.length === 2, 'each connection to be reported lost once')
  inUse.release()

  t.match(errors[0], { message: /terminating connection|Connection terminated/ })
  t.same((await victim.query('select 1 as n')).rows, [{ n: 1 }], 'the pool connects anew')
})

t.test('the settings that were asked for are in force', async (t) => {
  const limited = createPool(connection, { applicationName: 'worker', maxConnections: 2, statementTimeoutMs: 50 })
  t.teardown(() => limited.end())
  t.same((await limited.query('show application_name')).rows, [{ application_name: 'worker' }])
  await t.rejects(limited.query('select pg_sleep(10)'), /statement timeout/)
  await Promise.all(Array.from({ length: 8 }, () => limited.query('select 1')))
  t.equal(limited.totalCount, 2)
})

t.test('variables that libpq knows do not redirect a socket connection', async (t) => {
  if (!('host' in connection)) return t.pass('DATABASE_URL says everything itself', { skip: 'DATABASE_URL is set' })
  process.env['PGPORT'] = '1'
  process.env['PGSSLMODE'] = 'require'
  t.teardown(() => {
    delete process.env['PGPORT']
    delete process.env['PGSSLMODE']
  })
  const own = createPool(connection)
  t.teardown(() => own.end())
  t.same((await own.query('select 1 as n')).rows, [{ n: 1 }])
})

t.test('a server that is not there is an error of the query, not of the process', async (t) => {
  const nowhere = createPool({ connectionString: `postgresql://hub@127.0.0.1:${await freePort()}/hub` })
  t.teardown(() => nowhere.end())
  await t.rejects(nowhere.query('select 1'), { code: 'ECONNREFUSED' })
})
