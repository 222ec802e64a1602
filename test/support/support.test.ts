// The helpers of the tests keep their promises.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import t from 'tap'
import type { Test } from 'tap'
import { createPool } from '../../src/storage/pool.js'
import { withAdmin } from './database-admin.js'
import { forEachQueueEngine } from './queue-engine.js'
import { redisLeftOut, startOwnRedis, startRedis } from './redis.js'
import { createTestDatabase } from './test-database.js'
import { findTestServer } from './test-server.js'
import { waitFor } from './wait-for.js'

t.test(
  'waiting gives the first answer that is truthy, and says what it waited for when the time is over',
  async (t) => {
    let asked = 0
    t.equal(await waitFor(() => (++asked === 3 ? 'yes' : undefined), 'the third answer'), 'yes')
    await t.rejects(
      waitFor(() => 0, 'a miracle', { withinMs: 30 }),
      { message: 'Waited 30 ms for a miracle; the last answer was: 0' }
    )
    const refuse = () => Promise.reject(new Error('no such table'))
    await t.rejects(waitFor(refuse, 'the row', { withinMs: 30 }), {
      message: /the last answer was: Error: no such table/
    })
  }
)

t.test('test databases have the migrations, are apart from each other, and are dropped', async (t) => {
  const names: string[] = []
  await t.test('two databases', async (t) => {
    const one = await createTestDatabase(t)
    const other = await createTestDatabase(t)
    await one.pool.query(`insert into patient (patient_key) values (gen_random_uuid())`)
    t.same((await other.pool.query('select * from patient')).rows, [])
    const byUrl = createPool({ connectionString: one.url }, { maxConnections: 1 })
    t.same((await byUrl.query('select count(*) from patient')).rows, [{ count: 1 }], 'the URL leads to the same one')
    for (const { pool } of [one, other]) {
      names.push((await pool.query<{ name: string }>('select current_database() as name')).rows[0]!.name)
    }
    await one.pool.connect()
    // Neither this client nor byUrl is given back: a test that fails midway must not keep the database.
  })
  const { admin } = await findTestServer()
  await withAdmin(admin, async (sql) => {
    t.match(await sql(`select 1 from pg_database where datname in ('${names.join("','")}')`), { rowCount: 0 })
  })
})

/** A process that is a run of its own: it has the server started, and prints the folder of the run. */
async function startRun(t: Test) {
  const here = fileURLToPath(new URL('.', import.meta.url))
  const source = `
    import { currentRun } from '${here}test-run.ts'
    import { findTestServer } from '${here}test-server.ts'
    await findTestServer()
    console.log('folder=' + currentRun().dir)
    process.stdin.once('data', async () => {
      const { spawnSync } = await import('node:child_process')
      spawnSync(process.execPath, ['--import=tsx', '${here}stop-test-server.ts'], { stdio: 'inherit' })
      console.log('script ended')
    })`
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^_?TAP/.test(name)))
  const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '--eval', source], { env })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [, folder = ''] = await waitFor(() => /folder=(.*)\n/.exec(output), 'the server', { withinMs: 60_000 })
  return { child, folder, output: () => output }
}

t.test('the script that tap runs at the end stops the server, and waits for it', async (t) => {
  const { child, folder, output } = await startRun(t)
  t.ok(existsSync(folder))
  child.stdin.end('now')
  await waitFor(() => output().includes('script ended'), 'the script to end', { withinMs: 20_000 })
  t.notOk(existsSync(folder))
})

t.test('the server of a run ends also when the run is killed', async (t) => {
  const { child, folder } = await startRun(t)
  t.ok(existsSync(folder))
  child.kill('SIGKILL')
  await waitFor(() => !existsSync(folder), 'the server to end', { withinMs: 20_000 })
  t.notOk(existsSync(folder))
})

t.test('without REDIS_URL and without a redis-server the tests of Redis are left out, and say so', async (t) => {
  const { PATH, REDIS_URL } = process.env
  t.teardown(() => Object.assign(process.env, { PATH, ...(REDIS_URL === undefined ? {} : { REDIS_URL }) }))
  process.env['PATH'] = '/nonexistent'
  delete process.env['REDIS_URL']
  t.equal(await startRedis(t), undefined)
  t.match(redisLeftOut, /left out/)
})

t.test('our own Redis keeps its data over a crash, and evicts nothing', async (t) => {
  const server = await startOwnRedis(t)
  if (!server) return t.pass(redisLeftOut, { skip: redisLeftOut })
  const redis = new Redis(server.url)
  redis.on('error', () => undefined)
  t.teardown(() => {
    redis.disconnect()
  })
  t.same(await redis.config('GET', 'maxmemory-policy'), ['maxmemory-policy', 'noeviction'])
  await redis.set('kept', '1')
  await redis.config('SET', 'appendfsync', 'always')
  await redis.set('kept-too', '1')
  await server.kill()
  await server.restart()
  t.same(await redis.mget('kept', 'kept-too'), ['1', '1'])
})

t.test('on the server of REDIS_URL each test has a logical database to itself', async (t) => {
  const server = await startOwnRedis(t)
  if (!server) return t.pass(redisLeftOut, { skip: redisLeftOut })
  const { REDIS_URL } = process.env
  process.env['REDIS_URL'] = server.url
  t.teardown(() => {
    if (REDIS_URL === undefined) delete process.env['REDIS_URL']
    else process.env['REDIS_URL'] = REDIS_URL
  })
  const somebodyElse = new Redis(`${server.url}/1`)
  await somebodyElse.set('precious', '1')
  const left = new Redis(`${server.url}/2`)
  await left.mset('immunisation-hub-test', '4194305', 'left', '1')

  await t.test('two at once', async (t) => {
    t.same(await startRedis(t), { url: `${server.url}/2` }, 'what an ended process left is taken over')
    t.equal(await left.get('left'), null)
    t.same(await startRedis(t), { url: `${server.url}/3` })
  })
  t.equal(await left.dbsize(), 0, 'and left empty')
  t.equal(await somebodyElse.get('precious'), '1')
  somebodyElse.disconnect()
  left.disconnect()
})

t.test('tests of the queue run on each engine', async (t) => {
  const kinds: string[] = []
  await forEachQueueEngine(t, (t, engine) => {
    kinds.push(engine.kind)
    t.pass(engine.kind)
  })
  t.equal(kinds[0], 'postgres')
})
