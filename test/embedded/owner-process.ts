// A script: a service reduced to its embedded PostgreSQL, for tests that kill it. Prints one line of JSON when ready, then
// writes row after row and prints each number once it is committed.
import { setTimeout as delay } from 'node:timers/promises'
import { startEmbeddedPostgres } from '../../src/embedded/start-embedded-postgres.js'
import { createPool } from '../../src/storage/pool.js'

const server = await startEmbeddedPostgres({ stateDir: process.argv[2] ?? '' })
const pool = createPool(server.connection)
await pool.query('create table if not exists row_written (n integer primary key)')
console.log(JSON.stringify({ serverPid: server.pid, uid: process.getuid?.() }))

const interrupt = new AbortController()
process.once('SIGINT', () => {
  interrupt.abort()
})
const { rows } = await pool.query<{ last: number }>('select coalesce(max(n), 0) as last from row_written')
for (let n = (rows[0]?.last ?? 0) + 1; !interrupt.signal.aborted; n++) {
  await pool.query('insert into row_written values ($1)', [n])
  console.log(n)
}
// Longer than the server would need to end, had the Ctrl-C reached it.
await delay(300)
await pool.query('select count(*) from row_written')
console.log('drained')
await pool.end()
await server.stop()
