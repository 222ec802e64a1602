// Posts Immunizations as fast as the service takes them.
import { Pool } from 'undici'

export interface Load {
  url: string
  token: string
  connections: number
  seconds: number
  /** The n-th body; every body must be another record. */
  body: (n: number) => string
  /** Number of the first body, so that rounds do not repeat one another. */
  from: number
}

export interface LoadResult {
  perSecond: number
  p50Ms: number
  p99Ms: number
  next: number
  /** Answers other than 201, by status. */
  others: Record<string, number>
}

export async function postImmunizations(load: Load): Promise<LoadResult> {
  const pool = new Pool(load.url, { connections: load.connections, pipelining: 1 })
  const latencies: number[] = []
  const others: Record<string, number> = {}
  let next = load.from
  const begin = performance.now()
  const end = begin + load.seconds * 1000
  async function lane(): Promise<void> {
    while (performance.now() < end) {
      const sent = performance.now()
      const answer = await pool.request({
        path: '/FHIR/R4/Immunization',
        method: 'POST',
        headers: {
          authorization: `Bearer ${load.token}`,
          'content-type': 'application/fhir+json',
          prefer: 'return=minimal'
        },
        body: load.body(next++)
      })
      await answer.body.dump()
      if (answer.statusCode === 201) latencies.push(performance.now() - sent)
      else others[answer.statusCode] = (others[answer.statusCode] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: load.connections }, lane))
  const seconds = (performance.now() - begin) / 1000
  await pool.close()
  latencies.sort((left, right) => left - right)
  const at = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN
  return { perSecond: latencies.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99), next, others }
}
