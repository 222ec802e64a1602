import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Test } from 'tap'
import { findServerProcesses, serverMark } from '../../src/embedded/left-over-server.js'
import { startEmbeddedPostgres } from '../../src/embedded/start-embedded-postgres.js'
import type { EmbeddedPostgres } from '../../src/embedded/start-embedded-postgres.js'
import { createPool } from '../../src/storage/pool.js'
import { waitFor } from '../support/wait-for.js'

const isRoot = process.getuid?.() === 0
const nobody = { uid: 65534, gid: 65534 }

/** A folder of its own for `t`, reachable for other accounts, with a name for a state folder in it. */
async function newStateDir(t: Test): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'imms-pg-'))
  await chmod(parent, 0o755)
  t.teardown(() => rm(parent, { recursive: true, force: true }))
  return join(parent, 'state')
}

/** Creating the files takes most of the time, so tests that do not need a first start follow one another on these. */
const usedStateDir = await newStateDir(t)

async function start(t: Test, stateDir: string): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ stateDir, durable: false })
  t.teardown(() => server.stop())
  return server
}

async function query(server: EmbeddedPostgres, text: string): Promise<Record<string, unknown>[]> {
  const pool = createPool(server.connection)
  try {
    return (await pool.query<Record<string, unknown>>(text)).rows
  } finally {
    await pool.end()
  }
}

interface OwnerProcess {
  child: ChildProcess
  output(): string
  serverPid: number
  uid: number
  /** Committed, as far as the process could still say so. */
  lastRow(): number
}

/** Starts the server from a process of its own, and waits until it writes. */
async function startOwner(t: Test, stateDir: string, account: { uid?: number; gid?: number } = {}) {
  const script = fileURLToPath(new URL('owner-process.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import=tsx', script, stateDir], {
    ...account,
    env: { PATH: process.env['PATH'], HOME: tmpdir() },
    detached: true
  })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const lastRow = () => Number(output.match(/^\d+$/gm)?.at(-1) ?? 0)
  await waitFor(() => lastRow() > 0 || child.exitCode !== null, 'rows to be written', { withinMs: 20_000 })
  if (lastRow() === 0) throw new Error(output)
  const ready = JSON.parse(output.split('\n')[0] ?? '') as { serverPid: number; uid: number }
  return { child, output: () => output, lastRow, ...ready } satisfies OwnerProcess
}

async function serverProcesses(stateDir: string) {
  return findServerProcesses(await serverMark(stateDir))
}

/** Waits for the last process of the server to end by itself. */
async function noServerProcess(t: Test, stateDir: string): Promise<void> {
  await waitFor(async () => (await serverProcesses(stateDir)).length === 0, 'all server processes to end')
  await t.rejects(stat(join(stateDir, 'data', 'postmaster.pid')), { code: 'ENOENT' }, 'it was a clean shutdown')
}

t.test('the first start creates the database, the next one finds what was written', async (t) => {
  const stateDir = await newStateDir(t)
  const first = await start(t, stateDir)
  t.match(first.connection, { host: stateDir, database: 'immunisation_hub' })
  await query(first, 'create table kept (n integer)')
  await query(first, 'insert into kept values (42)')
  await first.stop()
  t.match(await first.exited, { code: 0, expected: true })
  t.same(await serverProcesses(stateDir), [], 'no process is left after stop()')
  await first.stop()

  const second = await start(t, stateDir)
  t.same(await query(second, 'select n from kept'), [{ n: 42 }])
})

t.test('the server listens on a socket in a closed folder and nowhere else', async (t) => {
  const stateDir = usedStateDir
  const server = await start(t, stateDir)
  t.same(await query(server, 'show listen_addresses'), [{ listen_addresses: '' }])
  t.same(await query(server, 'show server_encoding'), [{ server_encoding: 'UTF8' }])
  const { mode, uid } = await stat(stateDir)
  t.equal((mode & 0o777).toString(8), '700')
  if (isRoot) t.not(uid, 0, 'under root it belongs to the account PostgreSQL runs under')
  t.notOk((await readdir(stateDir)).includes('data.new'))
})

t.test('writes are durable unless a test asks otherwise', async (t) => {
  const stateDir = usedStateDir
  const quick = await startEmbeddedPostgres({ stateDir, durable: false })
  t.same(await query(quick, 'show fsync'), [{ fsync: 'off' }])
  await quick.stop()
  const durable = await startEmbeddedPostgres({ stateDir, settings: { max_connections: 17 } })
  t.teardown(() => durable.stop())
  t.same(await query(durable, 'show fsync'), [{ fsync: 'on' }])
  t.same(await query(durable, 'show synchronous_commit'), [{ synchronous_commit: 'on' }])
  t.same(await query(durable, 'show max_connections'), [{ max_connections: '17' }])
})

t.test('a second service on the same folder is told who holds it', async (t) => {
  const stateDir = usedStateDir
  const server = await start(t, stateDir)
  await t.rejects(startEmbeddedPostgres({ stateDir }), {
    message: `The embedded PostgreSQL in ${stateDir} is in use by process ${process.pid}: stop that service, or set DATA_DIR to another folder`
  })
  await t.rejects(startOwner(t, stateDir), { message: `is in use by process ${process.pid}` }, 'another process, too')
  t.same(await query(server, 'select 1 as n'), [{ n: 1 }], 'the first one is unharmed')
})

t.test('of several services that start at the same moment one gets the folder', async (t) => {
  const stateDir = await newStateDir(t)
  const starts = await Promise.allSettled(Array.from({ length: 5 }, () => startEmbeddedPostgres({ stateDir })))
  const started = starts.filter((result) => result.status === 'fulfilled')
  t.equal(started.length, 1)
  for (const { value } of started) await value.stop()
  for (const result of starts) if (result.status === 'rejected') t.match(result.reason, /is in use by process/)
})

t.test('stop() ends idle connections, open transactions and running statements', async (t) => {
  const stateDir = usedStateDir
  const server = await start(t, stateDir)
  const lost: Error[] = []
  const pool = createPool(server.connection, { onError: (error) => lost.push(error) })
  await query(server, 'create table if not exists half_done (n integer)')
  const inTransaction = await pool.connect()
  await inTransaction.query('begin')
  await inTransaction.query('insert into half_done values (1)')
  const running = t.rejects(pool.query('select pg_sleep(60)'), /terminating connection|Connection terminated/)
  await waitFor(
    async () => (await query(server, `select 1 from pg_stat_activity where query = 'select pg_sleep(60)'`)).length > 0,
    'the statement to run'
  )

  await server.stop()
  await running
  await waitFor(() => lost.length > 0, 'the pool to notice')
  inTransaction.release(true)
  await pool.end()

  const again = await start(t, stateDir)
  t.same(await query(again, 'select * from half_done'), [], 'what was not committed is gone')
})

t.test('after kill -9 of PostgreSQL the same process can start it again', async (t) => {
  const stateDir = usedStateDir
  const server = await startEmbeddedPostgres({ stateDir })
  const pool = createPool(server.connection)
  await pool.query('create table survivor as select 1 as n')

  process.kill(server.pid, 'SIGKILL')
  t.match(await server.exited, { signal: 'SIGKILL', expected: false })
  await server.stop()
  await pool.end()

  const again = await start(t, stateDir)
  t.same(await query(again, 'select n from survivor'), [{ n: 1 }])
})

t.test('after kill -9 of the service its PostgreSQL ends, and a new service starts at once', async (t) => {
  const stateDir = usedStateDir
  const owner = await startOwner(t, stateDir)
  owner.child.kill('SIGKILL')
  const server = await start(t, stateDir)
  t.not(server.pid, owner.serverPid, 'it is not the old server that answers')
  const rows = await query(server, 'select count(*)::integer as n from row_written')
  t.ok(Number(rows[0]?.['n']) >= owner.lastRow(), 'every row that was reported is there')
})

t.test('after kill -9 of the service no PostgreSQL process is left, without anybody doing anything', async (t) => {
  const stateDir = usedStateDir
  const owner = await startOwner(t, stateDir)
  t.ok((await serverProcesses(stateDir)).length > 3)
  owner.child.kill('SIGKILL')
  await noServerProcess(t, stateDir)
})

t.test('after kill -9 of both at once every committed row is there', async (t) => {
  const stateDir = usedStateDir
  const owner = await startOwner(t, stateDir)
  process.kill(owner.serverPid, 'SIGKILL')
  owner.child.kill('SIGKILL')
  const server = await start(t, stateDir)
  const rows = await query(server, 'select count(*)::integer as n from row_written')
  t.ok(Number(rows[0]?.['n']) >= owner.lastRow(), `${owner.lastRow()} were reported`)
})

t.test('a server whose service and watchdog were both killed is ended by the next start', async (t) => {
  const stateDir = usedStateDir
  const owner = await startOwner(t, stateDir)
  const watchdogs = await findWatchdogs(owner.serverPid)
  t.equal(watchdogs.length, 1)
  for (const pid of watchdogs) process.kill(pid, 'SIGKILL')
  owner.child.kill('SIGKILL')
  await waitFor(() => owner.child.signalCode !== null, 'the service to be gone')
  t.ok(
    (await serverProcesses(stateDir)).some(({ pid }) => pid === owner.serverPid),
    'the server is an orphan'
  )

  const server = await start(t, stateDir)
  t.not(server.pid, owner.serverPid)
  t.notOk((await serverProcesses(stateDir)).some(({ pid }) => pid === owner.serverPid))
})

/** Shells that hold the leash: in the session of the server, and not PostgreSQL. */
async function findWatchdogs(serverPid: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const sessions = await Promise.all(
    pids.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      const [, name, rest] = /\((.*)\) (.*)/.exec(status) ?? []
      return { pid, name, session: Number(rest?.split(' ')[3]) }
    })
  )
  return sessions.filter(({ name, session }) => session === serverPid && name === 'sh').map(({ pid }) => pid)
}

t.test('a service that exits without stop() leaves no server behind', async (t) => {
  const stateDir = usedStateDir
  const owner = await startOwner(t, stateDir)
  owner.child.kill('SIGTERM')
  await waitFor(() => owner.child.signalCode !== null, 'the service to end')
  await noServerProcess(t, stateDir)
})

t.test('Ctrl-C reaches the service alone, which can still write while it drains', async (t) => {
  const stateDir = usedStateDir
  const owner = await startOwner(t, stateDir)
  process.kill(-(owner.child.pid ?? 0), 'SIGINT')
  await waitFor(() => owner.child.exitCode !== null, 'the service to end')
  t.equal(owner.child.exitCode, 0)
  t.match(owner.output(), /^drained$/m)
  t.same(await serverProcesses(stateDir), [])
})

t.test('a lock file that names an unrelated process does not keep the server from starting', async (t) => {
  const stateDir = usedStateDir
  const server = await start(t, stateDir)
  await server.stop()
  const { uid, gid } = await stat(join(stateDir, 'data'))
  const unrelated = spawn('sleep', ['60'], isRoot ? { uid, gid } : {})
  t.teardown(() => unrelated.kill('SIGKILL'))
  for (const lockFile of [join(stateDir, 'data', 'postmaster.pid'), join(stateDir, '.s.PGSQL.5432.lock')]) {
    await writeFile(lockFile, `${unrelated.pid}\n${join(stateDir, 'data')}\n`)
    await chown(lockFile, uid, gid)
  }
  await start(t, stateDir)
  t.equal(unrelated.exitCode, null, 'and that process is left alone')
})

t.test('a first start that was interrupted begins anew', async (t) => {
  const stateDir = usedStateDir
  const server = await start(t, stateDir)
  await server.stop()
  await rm(join(stateDir, 'data'), { recursive: true })
  await mkdir(join(stateDir, 'data.new'))
  await writeFile(join(stateDir, 'data.new', 'PG_VERSION'), '18\n')
  t.same(await query(await start(t, stateDir), 'select 1 as n'), [{ n: 1 }])
})

t.test('what a client sent never reaches the log', async (t) => {
  const stateDir = usedStateDir
  const lines: string[] = []
  const server = await startEmbeddedPostgres({ stateDir, durable: false, onLog: (line) => lines.push(line) })
  t.teardown(() => server.stop())
  await query(server, 'create table person (nhs_number text unique)')
  await query(server, `insert into person values ('9990000018')`)
  await t.rejects(query(server, `insert into person values ('9990000018')`), /duplicate key/)
  await t.rejects(query(server, `select '9990000018'::uuid`), /invalid input syntax/)
  await t.rejects(query(server, `do $$ begin raise warning '9990000018'; raise exception '9990000018'; end $$`))
  await server.stop()
  t.match(lines.join('\n'), /database system is ready/, 'it is the log of the server')
  t.notMatch(lines.join('\n'), /9990000018/)
})

t.test('as an ordinary user, too', { skip: isRoot ? false : 'the other tests ran as one' }, async (t) => {
  const stateDir = await newStateDir(t)
  await chown(join(stateDir, '..'), nobody.uid, nobody.gid)
  const owner = await startOwner(t, stateDir, nobody)
  t.equal(owner.uid, nobody.uid)
  t.match(await stat(stateDir), nobody)
  owner.child.kill('SIGKILL')
  await noServerProcess(t, stateDir)
  const again = await startOwner(t, stateDir, nobody)
  t.ok(again.lastRow() > owner.lastRow(), 'the rows of the first service are there')
  process.kill(again.child.pid ?? 0, 'SIGINT')
  await waitFor(() => again.child.exitCode === 0, 'the service to end well')
})
