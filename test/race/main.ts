// npm run race [-- --rounds 1000 --writers 64 --base URL --token TOKEN]: writers at once on one record, over and over.
// Without --base it starts two processes of the built service on a PostgreSQL of its own. Exit code 1 on any anomaly.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { startHub } from '../../bench/hub.js'
import { startEmbeddedPostgres } from '../../src/embedded/start-embedded-postgres.js'
import { databaseUrl } from '../support/database-admin.js'
import { runRaces, type RaceResult } from './run-races.js'
import type { Target } from './writers.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1000' },
    writers: { type: 'string', default: '64' },
    base: { type: 'string' },
    token: { type: 'string' }
  }
})

const began = performance.now()
const results =
  values.base === undefined
    ? await onOwnService(race)
    : await race([{ url: values.base.replace(/\/$/, ''), token: values.token ?? '' }])
print(results, (performance.now() - began) / 1000)
process.exitCode = results.every(({ anomalies }) => anomalies.length === 0) ? 0 : 1

function race(targets: Target[]): Promise<RaceResult[]> {
  const [rounds, writers] = [Number(values.rounds), Number(values.writers)]
  const step = Math.max(1, Math.floor(rounds / 10))
  return runRaces({
    targets,
    rounds,
    writers,
    onRound(done) {
      if (done % step === 0) process.stdout.write(`${done} of ${rounds} rounds\n`)
    }
  })
}

async function onOwnService(run: (targets: Target[]) => Promise<RaceResult[]>): Promise<RaceResult[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'imms-race-'))
  // PostgreSQL runs under another account when we are root, and must get through.
  chmodSync(folder, 0o755)
  const server = await startEmbeddedPostgres({ stateDir: path.join(folder, 'postgres') })
  try {
    const env = { DATABASE_URL: databaseUrl(server.connection) }
    const first = await startHub(env, 'api')
    const second = await startHub(env, 'api')
    try {
      return await run([first, second])
    } finally {
      await Promise.all([first.stop(), second.stop()])
    }
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function print(finished: readonly RaceResult[], seconds: number): void {
  const rows = finished.map(({ race: name, rounds, statuses, anomalies }) => [
    name,
    String(rounds),
    [...statuses]
      .sort(([a], [b]) => a - b)
      .map(([status, times]) => `${status}: ${times}`)
      .join('  '),
    String(anomalies.length)
  ])
  const all = [['race', 'rounds', 'answers by status', 'anomalies'], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  for (const row of all)
    process.stdout.write(`${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`)
  for (const { race: name, anomalies } of finished)
    for (const anomaly of anomalies.slice(0, 20)) process.stdout.write(`${name}: ${anomaly}\n`)
  const total = finished.reduce((sum, { anomalies }) => sum + anomalies.length, 0)
  process.stdout.write(`${total} anomalies in ${Math.round(seconds)} s\n`)
}
