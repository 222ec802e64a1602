// Accepted Immunizations per second over HTTP (every rule, the ledger and its deliveries committed before the 201),
// beside a bare loop that commits one record at a time and judges nothing.
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startEmbeddedPostgres } from '../src/embedded/start-embedded-postgres.js'
import { createPool, type DatabaseConnection, type Pool } from '../src/storage/pool.js'
import { databaseUrl, onDatabase } from '../test/support/database-admin.js'
import { freePort } from '../test/support/free-port.js'
import { syntheticImmunization, syntheticNhsNumber } from '../test/support/synthetic.js'
import { commitOneByOne } from './bare-loop.js'
import { startHub } from './hub.js'
import { postImmunizations } from './load.js'
import { formatSeries, summarise, writeResult } from './statistics.js'

const ROUNDS = 5
const SECONDS = 6
const CONNECTIONS = 64
const BASELINE = 'bare loop, one commit a record'

const body = (n: number): string => JSON.stringify(syntheticImmunization({ n, vaccineType: 'FLU' }))

interface Case {
  name: string
  run(round: number): Promise<{ perSecond: number; p50Ms?: number; p99Ms?: number }>
}

export const bench = {
  describe: 'accepted records per second over HTTP, beside a bare loop of single commits',
  async run(): Promise<void> {
    const folder = mkdtempSync(path.join(tmpdir(), 'imms-bench-postgres-'))
    chmodSync(folder, 0o755)
    const server = await startEmbeddedPostgres({ stateDir: path.join(folder, 'postgres') })
    const redis = await startRedis()
    try {
      const admin = createPool(server.connection)
      await compare(casesOn(() => freshDatabase(admin, server.connection), redis?.url))
      await admin.end()
    } finally {
      redis?.stop()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

function casesOn(freshUrl: () => Promise<string>, redisUrl: string | undefined): Case[] {
  const hub = (name: string, roles: string, makeEnv: () => Promise<Record<string, string>>): Case => ({
    name,
    async run(round) {
      const started = await startHub(await makeEnv(), roles)
      try {
        const result = await postImmunizations({
          ...started,
          connections: CONNECTIONS,
          seconds: SECONDS,
          body,
          from: round * 100_000
        })
        if (Object.keys(result.others).length > 0) throw new Error(`not only 201: ${JSON.stringify(result.others)}`)
        return result
      } finally {
        await started.stop()
      }
    }
  })
  const bare: Case = {
    name: BASELINE,
    async run(round) {
      const pool = createPool({ connectionString: await freshUrl() })
      const from = round * 100_000
      const perSecond = await commitOneByOne(
        pool,
        SECONDS,
        (n) => body(from + n),
        (n) => syntheticNhsNumber(from + n)
      )
      await pool.end()
      return { perSecond }
    }
  }
  const embedded = (): Promise<Record<string, string>> => Promise.resolve({})
  const cases = [
    bare,
    hub('embedded default, accepting only', 'api', embedded),
    hub('embedded default, delivering meanwhile', 'api,relay,worker', embedded)
  ]
  if (redisUrl === undefined) return cases
  const external = async (): Promise<Record<string, string>> => ({
    DATABASE_URL: await freshUrl(),
    REDIS_URL: redisUrl
  })
  return [
    ...cases,
    hub('PostgreSQL and Redis, accepting only', 'api', external),
    hub('PostgreSQL and Redis, delivering meanwhile', 'api,relay,worker', external)
  ]
}

/** Nothing of an earlier round is in the way. */
async function freshDatabase(admin: Pool, connection: DatabaseConnection): Promise<string> {
  const name = `bench_${randomBytes(6).toString('hex')}`
  await admin.query(`create database ${name}`)
  return databaseUrl(onDatabase(connection, name))
}

async function compare(cases: readonly Case[]): Promise<void> {
  const rates = new Map<string, number[]>(cases.map(({ name }) => [name, []]))
  const ratios = new Map<string, number[]>(cases.map(({ name }) => [name, []]))
  const p99 = new Map<string, number[]>(cases.map(({ name }) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    let baseline = Number.NaN
    for (const benchCase of cases) {
      const { name } = benchCase
      const result = await benchCase.run(round)
      if (name === BASELINE) baseline = result.perSecond
      rates.get(name)?.push(result.perSecond)
      ratios.get(name)?.push(result.perSecond / baseline)
      p99.get(name)?.push(result.p99Ms ?? Number.NaN)
      process.stdout.write(`round ${round + 1} of ${ROUNDS}: ${name}: ${Math.round(result.perSecond)}/s\n`)
    }
  }
  const rows = cases.map(({ name }) => [
    name,
    formatSeries(summarise(rates.get(name)!)),
    formatSeries(summarise(ratios.get(name)!), 2),
    name === BASELINE ? '' : formatSeries(summarise(p99.get(name)!))
  ])
  const head = ['case', 'records/s: median (spread)', 'ratio to the bare loop', '99th percentile, ms']
  const title = `Accepting over HTTP, ${CONNECTIONS} connections, ${ROUNDS} rounds of ${SECONDS} s`
  writeResult('accept', title, [head, ...rows], {
    rates: Object.fromEntries(rates),
    ratios: Object.fromEntries(ratios)
  })
}

async function startRedis(): Promise<{ url: string; stop(): void } | undefined> {
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    process.stdout.write('left out: PostgreSQL and Redis, no redis-server is on the path\n')
    return undefined
  }
  const port = await freePort()
  const folder = mkdtempSync(path.join(tmpdir(), 'imms-bench-redis-'))
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--appendonly', 'yes', '--dir', folder]
  const child = spawn('redis-server', [...args, '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' })
  return {
    url: `redis://127.0.0.1:${port}`,
    stop() {
      child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
