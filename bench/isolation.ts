// One destination hangs: how long the others wait from accepted to delivered, beside the same while all are well.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startEmbeddedPostgres } from '../src/embedded/start-embedded-postgres.js'
import { createPool } from '../src/storage/pool.js'
import { openOwnRedis, redisLeftOut } from '../test/support/redis.js'
import { waitFor } from '../test/support/wait-for.js'
import { openAccepting } from './delivery/accepting.js'
import { openLine, type Line } from './delivery/line.js'
import { openSink, SINKS, type Sink } from './delivery/sink.js'
import { formatSeries, summarise, writeResult } from './statistics.js'

const ROUNDS = 5
const SECONDS = 10
const PER_SECOND = 25
const CONCURRENCY = 8
const TIMEOUT_MS = 2_000
const [HANGING, ...OTHERS] = SINKS

export const bench = {
  describe: 'the delay of healthy destinations while another one hangs',
  async run(): Promise<void> {
    const folder = mkdtempSync(path.join(tmpdir(), 'imms-bench-isolation-'))
    chmodSync(folder, 0o755)
    const server = await startEmbeddedPostgres({ stateDir: path.join(folder, 'postgres') })
    const redis = await openOwnRedis()
    if (redis === undefined) process.stdout.write(`${redisLeftOut}\n`)
    const sink = await openSink(CONCURRENCY, TIMEOUT_MS)
    const admin = createPool(server.connection, { maxConnections: 1 })
    const open = (redisUrl: string | undefined) => openLine(admin, server.connection, redisUrl, sink)
    try {
      const engines = [
        ...(redis === undefined ? [] : [['Redis', redis.url] as const]),
        ['PostgreSQL', undefined] as const
      ]
      const rows: string[][] = []
      const details: Record<string, unknown> = {}
      for (const [engine, redisUrl] of engines) {
        const p95 = await compare(engine, sink, () => open(redisUrl))
        const ratios = p95.hanging.map((ms, round) => ms / p95.healthy[round]!)
        rows.push([
          engine,
          ...[p95.healthy, p95.hanging].map((rounds) => formatSeries(summarise(rounds))),
          formatSeries(summarise(ratios), 2)
        ])
        details[engine] = { ...p95, ratios }
      }
      const head = ['engine', 'all well: 95th percentile, ms', 'one hangs', 'ratio']
      const title = `Accepted to delivered at two destinations, while a third is well or hangs, ${ROUNDS} rounds`
      writeResult('isolation', title, [head, ...rows], details, [
        `${PER_SECOND} records a second for ${SECONDS} s, accepted and delivered by one process; the two ways in turn. The ` +
          `third destination takes requests and answers none of them; an attempt is given up after ${TIMEOUT_MS / 1_000} s.`
      ])
    } finally {
      sink.close()
      await admin.end()
      await redis?.close()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

async function compare(
  engine: string,
  sink: Sink,
  open: () => Promise<Line>
): Promise<Record<'healthy' | 'hanging', number[]>> {
  const p95 = { healthy: [] as number[], hanging: [] as number[] }
  for (let round = 0; round < ROUNDS; round++)
    // Whichever goes first meets a colder cache, so they take turns.
    for (const way of round % 2 === 0 ? (['healthy', 'hanging'] as const) : (['hanging', 'healthy'] as const)) {
      sink.hang(way === 'hanging' ? HANGING : undefined)
      const line = await open()
      try {
        const delays = await measureDelays(line, sink)
        p95[way].push(delays[Math.floor(delays.length * 0.95)]!)
      } finally {
        await line.close()
      }
      process.stdout.write(`round ${round + 1} of ${ROUNDS}: ${engine}, ${way}: ${Math.round(p95[way].at(-1)!)} ms\n`)
    }
  return p95
}

/** Milliseconds from accepted to answered, of the other destinations, ascending. */
async function measureDelays(line: Line, sink: Sink): Promise<number[]> {
  const acceptedAt = new Map<string, number>()
  const takenAt = new Map<string, number>()
  sink.onTaken = (name, recordId) => {
    if (OTHERS.some((other) => other === name)) takenAt.set(`${name} ${recordId}`, performance.now())
  }
  const relay = await line.start()
  const accepting = await openAccepting(line, sink, () => {
    relay.wake()
  })
  const began = performance.now()
  const all: Promise<void>[] = []
  for (let n = 0; n < SECONDS * PER_SECOND; n++) {
    await delay(Math.max(began + (n * 1_000) / PER_SECOND - performance.now(), 0))
    const accepted = accepting.accept(n).then((recordId) => {
      acceptedAt.set(recordId, performance.now())
    })
    all.push(accepted)
  }
  await Promise.all(all)
  await accepting.close()
  const expected = all.length * OTHERS.length
  await waitFor(() => takenAt.size === expected, 'the others to have everything', { withinMs: 60_000 })
  return [...takenAt]
    .map(([key, at]) => at - (acceptedAt.get(key.split(' ')[1]!) ?? at))
    .sort((left, right) => left - right)
}
