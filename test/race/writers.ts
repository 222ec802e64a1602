// Many clients of one supplier, spread over the processes of a service, over real HTTP.
import { Pool } from 'undici'

export interface Target {
  url: string
  token: string
}

export interface Answer {
  method: string
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
  /** Of the answer's Location, or the URL that was asked. */
  recordId?: string
  /** Of its ETag. */
  version?: number
}

export interface Writers {
  /** `path`: below /FHIR/R4/Immunization. */
  send(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Answer>
  /** Every writer at once. */
  sendAll(write: (n: number) => Parameters<Writers['send']>): Promise<Answer[]>
  /** How many deliveries each version of a record has, the oldest first. */
  countDeliveries(recordId: string): Promise<number[]>
  /** Pairs with this record that are merged, or that a person is asked about. */
  listPairs(recordId: string): Promise<{ state: string; recordIds: string[] }[]>
  /** What was answered so far, by status. */
  readonly statuses: ReadonlyMap<number, number>
  close(): Promise<void>
}

export const VERSION_ONE = { 'if-match': 'W/"1"' }

export function createWriters(targets: readonly Target[], count: number): Writers {
  const connections = Math.ceil(count / targets.length)
  const pools = targets.map(({ url, token }) => ({ token, pool: new Pool(url, { connections, pipelining: 1 }) }))
  const statuses = new Map<number, number>()

  async function ask(n: number, method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    const { pool, token } = pools[n % pools.length]!
    const type = method === 'PATCH' ? 'application/json-patch+json' : 'application/fhir+json'
    const answer = await pool.request({
      method: method,
      path,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': type }),
        ...headers
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() }
  }

  async function write(
    n: number,
    method: string,
    path: string,
    body?: object,
    headers?: Record<string, string>
  ): Promise<Answer> {
    const answer = await ask(n, method, `/FHIR/R4/Immunization${path}`, body, headers)
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    const place = String(answer.headers['location'] ?? path)
    const recordId = /([0-9a-f-]{36})(?:\/_history\/\d+)?$/.exec(place)?.[1]
    const version = /^W\/"(\d+)"$/.exec(String(answer.headers['etag']))?.[1]
    return {
      method,
      ...answer,
      ...(recordId === undefined ? {} : { recordId }),
      ...(version === undefined ? {} : { version: Number(version) })
    }
  }

  return {
    statuses,
    send: (...request) => write(0, ...request),
    sendAll: (make) => Promise.all(Array.from({ length: count }, (_, n) => write(n, ...make(n)))),
    async countDeliveries(recordId) {
      const { body } = await ask(0, 'GET', `/ops/records/${recordId}/explain`)
      const { versions } = JSON.parse(body) as { versions: { deliveries: { deliveryId: string | null }[] }[] }
      return versions
        .toReversed()
        .map(({ deliveries }) => deliveries.filter(({ deliveryId }) => deliveryId !== null).length)
    },
    async listPairs(recordId) {
      const { body } = await ask(0, 'GET', `/ops/duplicates?record=${recordId}`)
      return (JSON.parse(body) as { pairs: { state: string; recordIds: string[] }[] }).pairs
    },
    async close() {
      await Promise.all(pools.map(({ pool }) => pool.close()))
    }
  }
}
