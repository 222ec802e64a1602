// 20,000 writes as fast as they are taken while no destination takes anything: what the service holds in memory, and in
// the queue, must not grow with the backlog.
import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { Pool } from 'undici'
import { DELIVERY_POLICY } from '../src/delivery/policy.js'
import { openOwnRedis, redisLeftOut } from '../test/support/redis.js'
import { syntheticImmunization } from '../test/support/synthetic.js'
import { startHub, type Hub } from './hub.js'
import { writeResult } from './statistics.js'

const WRITES = 20_000
const LANES = 64
/** Until then caches fill and the engine compiles. */
const WARM = 5_000
const DESTINATIONS = ['nhs-immunisation-api', 'gp-record', 'eligibility-store']
/** Longer than their time limit: each attempt is given up. */
const HANGING = { mode: 'slow', when: 'before', delayMs: 120_000 }

interface Sample {
  writes: number
  memoryMiB: number
  jobs: number
}

export const bench = {
  describe: 'memory and queue under a burst of 20,000 writes that no destination takes',
  async run(): Promise<void> {
    const redis = await openOwnRedis()
    if (redis === undefined) {
      process.stdout.write(`${redisLeftOut}\n`)
      return
    }
    const hub = await startHub({ REDIS_URL: redis.url }, 'api,relay,worker')
    const look = new Redis(redis.url)
    try {
      for (const destination of DESTINATIONS)
        await fetch(`${hub.sandboxUrl}/control/${destination}`, { method: 'PUT', body: JSON.stringify(HANGING) })
      const began = performance.now()
      const samples = await burst(hub, look)
      report(samples, (performance.now() - began) / 1_000)
    } finally {
      look.disconnect()
      await hub.stop()
      await redis.close()
    }
  }
}

async function burst(hub: Hub, redis: Redis): Promise<Sample[]> {
  const pool = new Pool(hub.url, { connections: LANES })
  const samples: Sample[] = []
  let next = 0
  let taken = 0
  const lane = async (): Promise<void> => {
    for (let n = next++; n < WRITES; n = next++) {
      const answer = await pool.request({
        path: '/FHIR/R4/Immunization',
        method: 'POST',
        headers: {
          authorization: `Bearer ${hub.token}`,
          'content-type': 'application/fhir+json',
          prefer: 'return=minimal'
        },
        body: JSON.stringify(syntheticImmunization({ n, vaccineType: 'FLU' }))
      })
      await answer.body.dump()
      if (answer.statusCode !== 201) throw new Error(`write ${n} was answered ${answer.statusCode}`)
      taken += 1
    }
  }
  const sample = async (): Promise<void> => {
    const jobs = await redis.keys('{dlv:*:ring-????????-????-????-????-????????????')
    samples.push({ writes: taken, memoryMiB: residentMiB(hub.pid), jobs: jobs.length })
  }
  const timer = setInterval(() => void sample(), 500)
  await Promise.all(Array.from({ length: LANES }, lane))
  clearInterval(timer)
  await sample()
  await pool.close()
  return samples
}

function residentMiB(pid: number): number {
  const [, kib = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kib) / 1024)
}

function report(samples: readonly Sample[], seconds: number): void {
  const memoryOf = (part: readonly Sample[]): number[] => part.map(({ memoryMiB }) => memoryMiB)
  const warm = samples.filter(({ writes }) => writes >= WARM)
  const middle = (WARM + WRITES) / 2
  const halves = [warm.filter(({ writes }) => writes < middle), warm.filter(({ writes }) => writes >= middle)]
  // What is left after the collector has been, which comes when it likes: the most says more about that than about us.
  const [first = 0, second = 0] = halves.map((half) => Math.min(...memoryOf(half)))
  const jobs = Math.max(...samples.map((sample) => sample.jobs))
  const bound = DESTINATIONS.length * DELIVERY_POLICY.ring.window
  const table = [
    ['writes', 'memory at least, MiB', 'at most'],
    ...halves.map((half, place) => [
      place === 0 ? `${WARM} to ${middle}` : `${middle} to ${WRITES}`,
      ...[Math.min(...memoryOf(half)), Math.max(...memoryOf(half))].map(String)
    ])
  ]
  writeResult('burst', `A burst of ${WRITES} writes that no destination takes`, table, { samples, seconds, bound }, [
    `API, relay and worker in one process, ${Math.round(WRITES / seconds)} writes a second. Jobs in Redis: ${jobs} at most, ` +
      `${bound} are allowed (a window of ${DELIVERY_POLICY.ring.window} deliveries for each of ${DESTINATIONS.length} destinations).`
  ])
  if (jobs > bound) throw new Error(`${jobs} jobs in Redis, at most ${bound} are allowed`)
  if (second > 1.25 * first) throw new Error(`memory grew with the backlog: ${first} MiB, then ${second} MiB`)
}
