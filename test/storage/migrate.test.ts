import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import type { Test } from 'tap'
import { migrate } from '../../src/storage/migrate.js'
import { createPool } from '../../src/storage/pool.js'
import type { Pool } from '../../src/storage/pool.js'
import { createEmptyDatabase } from '../support/test-database.js'

/** A folder of migrations with these files. */
async function migrationFolder(t: Test, files: Record<string, string>): Promise<URL> {
  const folder = await mkdtemp(join(tmpdir(), 'imms-migrations-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const [name, sql] of Object.entries(files)) await writeFile(join(folder, name), sql)
  return pathToFileURL(`${folder}/`)
}

async function tables(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' order by tablename`
  )
  return rows.map(({ name }) => name)
}

t.test('an empty database gets every migration once', async (t) => {
  const { pool } = await createEmptyDatabase(t)
  const first = await migrate(pool)
  t.equal(first.applied[0], '001-ledger.sql')
  t.ok((await tables(pool)).includes('record_version'))
  const { rows } = await pool.query<{ name: string; sha256: string }>(
    'select name, sha256 from schema_migration order by version'
  )
  t.same(
    rows.map(({ name }) => name),
    first.applied
  )
  t.match(rows[0], { sha256: /^[0-9a-f]{64}$/ })
  t.same(await migrate(pool), { applied: [] }, 'the second time there is nothing to do')
})

t.test('20 processes that start at the same moment on a fresh database apply each file once', async (t) => {
  const { connection } = await createEmptyDatabase(t)
  const directory = await migrationFolder(t, {
    '001-first.sql': 'create table first (n integer); select pg_sleep(0.05);',
    '002-second.sql': 'insert into first values (2); create index on first (n);',
    '003-third.sql': 'insert into first values (3);'
  })
  const pools = Array.from({ length: 20 }, () => createPool(connection, { maxConnections: 1, statementTimeoutMs: 40 }))
  t.teardown(() => Promise.all(pools.map((pool) => pool.end())))

  const results = await Promise.all(pools.map((pool) => migrate(pool, directory)))

  const applied = results.flatMap((result) => result.applied).sort()
  t.same(applied, ['001-first.sql', '002-second.sql', '003-third.sql'])
  t.same((await pools[0]!.query('select n from first order by n')).rows, [{ n: 2 }, { n: 3 }])
})

t.test('later files are applied to a database that has the earlier ones', async (t) => {
  const { pool } = await createEmptyDatabase(t)
  const first = { '001-first.sql': 'create table first (n integer)' }
  await migrate(pool, await migrationFolder(t, first))
  const both = await migrationFolder(t, { ...first, '002-second.sql': 'create table second (n integer)' })
  t.same(await migrate(pool, both), { applied: ['002-second.sql'] })
  t.same(await tables(pool), ['first', 'schema_migration', 'second'])
})

t.test('a file that fails leaves nothing of itself, says where, and can be mended', async (t) => {
  const { pool } = await createEmptyDatabase(t)
  const good = { '001-first.sql': 'create table first (n integer)' }
  const bad = await migrationFolder(t, {
    ...good,
    '002-second.sql': 'create table second (n integer);\n\ninsert into nowhere values (1);\n'
  })
  await t.rejects(migrate(pool, bad), {
    message: 'Migration 002-second.sql failed at line 3: relation "nowhere" does not exist'
  })
  t.same(await tables(pool), ['first', 'schema_migration'])
  t.equal(pool.idleCount, pool.totalCount, 'no connection is kept')

  const mended = await migrationFolder(t, { ...good, '002-second.sql': 'create table second (n integer)' })
  t.same(await migrate(pool, mended), { applied: ['002-second.sql'] })
})

t.test('a file that was changed after it was applied is refused', async (t) => {
  const { pool } = await createEmptyDatabase(t)
  await migrate(pool, await migrationFolder(t, { '001-first.sql': 'create table first (n integer);\n' }))
  const windows = await migrationFolder(t, { '001-first.sql': 'create table first (n integer);\r\n' })
  t.same(await migrate(pool, windows), { applied: [] }, 'line ends are no change')
  const changed = await migrationFolder(t, {
    '001-first.sql': 'create table first (n bigint);\n',
    '002-second.sql': 'create table second (n integer)'
  })
  await t.rejects(migrate(pool, changed), {
    message:
      'Migration 001-first.sql was changed after it was applied (as 001-first.sql): restore the file, and put the change into a new one'
  })
  t.same(await tables(pool), ['first', 'schema_migration'], 'and nothing else is applied')
})

t.test('a database that is newer than this release is refused', async (t) => {
  const { pool } = await createEmptyDatabase(t)
  const first = { '001-first.sql': 'create table first (n integer)' }
  await migrate(pool, await migrationFolder(t, { ...first, '002-second.sql': 'select 1' }))
  await t.rejects(migrate(pool, await migrationFolder(t, first)), {
    message:
      'The database is newer than this release: it has migration 002-second.sql, this release ends with 001-first.sql: start the newer release'
  })
})

t.test('a gap in what the database recorded is refused', async (t) => {
  const { pool } = await createEmptyDatabase(t)
  const directory = await migrationFolder(t, { '001-first.sql': 'select 1', '002-second.sql': 'select 2' })
  await migrate(pool, directory)
  await pool.query('delete from schema_migration where version = 1')
  await t.rejects(migrate(pool, directory), { message: 'The database lacks migration 1: restore schema_migration' })
})

t.test('a folder with a misnamed, doubled or missing file is refused', async (t) => {
  const { pool } = await createEmptyDatabase(t)
  const folders = [
    [{ '001-first.sql': '', 'notes.txt': '' }, 'expected a file 002-<what>.sql, found notes.txt'],
    [{ '001-first.sql': '', '003-third.sql': '' }, 'expected a file 002-<what>.sql, found 003-third.sql'],
    [{ '001-first.sql': '', '001-other.sql': '' }, 'expected a file 002-<what>.sql, found 001-other.sql']
  ] as const
  for (const [files, message] of folders) {
    await t.rejects(migrate(pool, await migrationFolder(t, files)), { message })
  }
  t.same(await tables(pool), [], 'before the database is touched')
})

t.test('an account that may not create tables finds an up-to-date database in order', async (t) => {
  const { pool, connection } = await createEmptyDatabase(t)
  const directory = await migrationFolder(t, { '001-first.sql': 'create table first (n integer)' })
  await migrate(pool, directory)
  const role = `imms_reader_${process.pid}`
  await pool.query(`create role ${role}`)
  await pool.query(`grant select on schema_migration to ${role}`)
  const reader = createPool(connection, { maxConnections: 1 })
  t.teardown(async () => {
    await reader.end()
    await pool.query(`drop owned by ${role}`)
    await pool.query(`drop role ${role}`)
  })
  await reader.query(`set role ${role}`)
  await t.rejects(reader.query('create table other (n integer)'), /permission denied/)
  t.same(await migrate(reader, directory), { applied: [] })
})
