// Deliveries per second to a local receiver that takes everything at once, on both engines of the queue: a full ledger
// drained, and the same coupled with accepting; beside a loop that has the queue and the receiver but no ledger.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Relay } from '../src/delivery/relay.js'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../src/embedded/start-embedded-postgres.js'
import { createPool } from '../src/storage/pool.js'
import { openOwnRedis, redisLeftOut } from '../test/support/redis.js'
import { syntheticImmunization } from '../test/support/synthetic.js'
import { waitFor } from '../test/support/wait-for.js'
import { openAccepting } from './delivery/accepting.js'
import { runBare } from './delivery/bare.js'
import { countDelivered, fillLedger } from './delivery/ledger.js'
import { openLine, type Line } from './delivery/line.js'
import { readProcessorTime, type ProcessorTime } from './delivery/processor-time.js'
import { openSink, type Sink } from './delivery/sink.js'
import { formatSeries, summarise, writeResult } from './statistics.js'

const ROUNDS = 5
/** Not counted: code is compiled as it runs, and the service does not run for seconds only. */
const WARM_UP = 1
const RECORDS = 2_000
const ACCEPTED = 1_000
const CLIENTS = 64
const CONCURRENCY = 16

const CASES = ['queue without a ledger', 'full ledger', 'while accepting'] as const
type Case = (typeof CASES)[number]

interface Measured {
  perSecond: number
  /** Milliseconds of processor time per delivery. */
  cost: ProcessorTime
}

interface Scene {
  server: EmbeddedPostgres
  sink: Sink
  openLine: (redisUrl: string | undefined) => Promise<Line>
}

export const bench = {
  describe: 'deliveries per second to a fast receiver, with the processor time of each',
  async run(): Promise<void> {
    const folder = mkdtempSync(path.join(tmpdir(), 'imms-bench-delivery-'))
    chmodSync(folder, 0o755)
    const server = await startEmbeddedPostgres({ stateDir: path.join(folder, 'postgres') })
    const redis = await openOwnRedis()
    if (redis === undefined) process.stdout.write(`${redisLeftOut}\n`)
    const sink = await openSink(CONCURRENCY)
    const admin = createPool(server.connection, { maxConnections: 1 })
    try {
      const open = (redisUrl: string | undefined) => openLine(admin, server.connection, redisUrl, sink)
      const engines = [
        ...(redis === undefined ? [] : [['Redis', redis.url] as const]),
        ['PostgreSQL', undefined] as const
      ]
      await compare({ server, sink, openLine: open }, engines)
    } finally {
      sink.close()
      await admin.end()
      await redis?.close()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

async function compare(scene: Scene, engines: readonly (readonly [string, string | undefined])[]): Promise<void> {
  const measured = new Map<string, Measured[]>()
  for (let round = 1 - WARM_UP; round <= ROUNDS; round++)
    for (const [engine, redisUrl] of engines)
      for (const name of CASES) {
        const result = await runCase(scene, redisUrl, name)
        const key = `${engine}: ${name}`
        if (round > 0) measured.set(key, [...(measured.get(key) ?? []), result])
        process.stdout.write(`round ${round} of ${ROUNDS}: ${key}: ${Math.round(result.perSecond)}/s\n`)
      }
  const rows = [...measured].map(([key, results]) => {
    const baseline = measured.get(key.replace(/: .*/, `: ${CASES[0]}`))!
    const ratios = results.map(({ perSecond }, round) => perSecond / baseline[round]!.perSecond)
    const costs = (part: keyof ProcessorTime): string =>
      formatSeries(summarise(results.map(({ cost }) => cost[part])), 2)
    return [
      key,
      formatSeries(summarise(results.map(({ perSecond }) => perSecond))),
      formatSeries(summarise(ratios), 2),
      costs('node'),
      costs('postgres'),
      costs('redis')
    ]
  })
  const head = ['case', 'deliveries/s: median (spread)', 'ratio to no ledger', 'Node, ms each', 'PostgreSQL', 'Redis']
  writeResult(
    'delivery',
    `Delivering to a fast receiver, ${ROUNDS} rounds after one to warm up`,
    [head, ...rows],
    { measured: Object.fromEntries(measured) },
    [
      `One process with a relay and workers for three destinations, ${CONCURRENCY} requests at once for each; the receiver is ` +
        `a process of its own on the same machine. A full ledger holds ${RECORDS} records for the three. While accepting, ` +
        `the same process judges and commits ${ACCEPTED} records as fast as it can, and the time counts until the last ` +
        `delivery: its cost contains accepting.`
    ]
  )
}

async function runCase(
  { server, sink, openLine: open }: Scene,
  redisUrl: string | undefined,
  name: Case
): Promise<Measured> {
  const line = await open(redisUrl)
  try {
    const body = JSON.stringify(syntheticImmunization({ n: 1, vaccineType: 'FLU' }))
    const due = name === 'full ledger' ? await fillLedger(line.pool, RECORDS, body) : 0
    const before = await readProcessorTime(server.pid, redisUrl)
    const began = performance.now()
    const deliveries = await perform(line, sink, name, body, due)
    const seconds = (performance.now() - began) / 1_000
    const after = await readProcessorTime(server.pid, redisUrl)
    const each = (part: keyof ProcessorTime): number => (after[part] - before[part]) / deliveries
    return {
      perSecond: deliveries / seconds,
      cost: { node: each('node'), postgres: each('postgres'), redis: each('redis') }
    }
  } finally {
    await line.close()
  }
}

async function perform(line: Line, sink: Sink, name: Case, body: string, due: number): Promise<number> {
  if (name === 'queue without a ledger') return runBare(line.queues, sink, RECORDS, body)
  const taken = sink.taken()
  const relay = await line.start()
  const expected = name === 'full ledger' ? due : await acceptAll(line, sink, relay)
  // The receiver's count is free; the ledger is asked once it has all.
  await waitFor(() => sink.taken() - taken >= expected, 'the receiver to have everything', { withinMs: 600_000 })
  await waitFor(async () => (await countDelivered(line.pool)) === expected, 'the ledger to know', { withinMs: 60_000 })
  return expected
}

/** As fast as it goes; gives how many deliveries that made. */
async function acceptAll(line: Line, sink: Sink, relay: Relay): Promise<number> {
  const accepting = await openAccepting(line, sink, () => {
    relay.wake()
  })
  let next = 0
  const client = async (): Promise<void> => {
    while (next < ACCEPTED) await accepting.accept(next++)
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  await accepting.close()
  return ACCEPTED * sink.destinations.length
}
