// Suppliers that post, correct, delete and reinstate at a bounded rate, one write of a record at a time, and try again as
// a good client does until they are answered: the same body under the same identifier, half of them with a key.
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'
import { createRandom } from '../support/synthetic.js'
import { isDeleted, planRecord, resourceOf, type SupplierRecord, type SupplierVersion } from './supplier-record.js'

export interface Suppliers {
  /** Nothing new is begun. Resolves when every write begun was acknowledged, or the time is over. */
  stop(withinMs: number): Promise<void>
  records(): readonly SupplierRecord[]
  /** Answers that a good client must never get. */
  faults(): string[]
  statistics(): { acknowledged: number; retries: number; answers: Record<string, number> }
  close(): Promise<void>
}

export interface SuppliersOptions {
  apis: readonly string[]
  token: string
  seed: number
  perSecond: number
}

/** Above this many under way nothing new is begun: suppliers have a bounded number of people too. */
const MOST_UNDER_WAY = 48
const PATIENCE_MS = 15_000
const AGAIN = new Set([408, 425, 429, 500, 502, 503, 504])

interface Write {
  record: SupplierRecord
  version: SupplierVersion
  request: { method: string; path: string; headers: Record<string, string>; body?: string }
}

export function startSuppliers({ apis, token, seed, perSecond }: SuppliersOptions): Suppliers {
  const random = createRandom(seed)
  const pools = apis.map(
    (url) => new Pool(url, { connections: 16, headersTimeout: PATIENCE_MS, bodyTimeout: PATIENCE_MS })
  )
  const records: SupplierRecord[] = []
  const faults: string[] = []
  const answers: Record<string, number> = {}
  const underWay = new Set<Promise<void>>()
  let acknowledged = 0
  let retries = 0
  let isOver = false

  /** Status 0: no answer. */
  async function ask(tries: number, { request }: Write): Promise<{ status: number; headers: object; text: string }> {
    try {
      const answer = await pools[tries % pools.length]!.request({
        method: request.method,
        path: request.path,
        headers: { authorization: `Bearer ${token}`, ...request.headers },
        ...(request.body === undefined ? {} : { body: request.body })
      })
      return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
    } catch {
      return { status: 0, headers: {}, text: '' }
    }
  }

  async function perform(write: Write): Promise<void> {
    const { record, request, version } = write
    for (let tries = record.n; !isOver; tries++) {
      const { status, headers, text } = await ask(tries, write)
      answers[status] = (answers[status] ?? 0) + 1
      if (status >= 200 && status < 300) {
        acknowledge(write, headers)
        return
      }
      const isBusyKey = status === 409 && 'retry-after' in headers
      if (status !== 0 && !AGAIN.has(status) && !isBusyKey) {
        faults.push(`record ${record.n}, ${version.operation}: ${request.method} was answered ${status}: ${text}`)
        return
      }
      retries++
      await delay(200 + random() * 800)
    }
    faults.push(`record ${record.n}: ${version.operation} was never acknowledged`)
  }

  function acknowledge({ record, version }: Write, headers: object): void {
    const { etag, location } = headers as { etag?: string; location?: string }
    const number = /^W\/"(\d+)"$/.exec(etag ?? '')?.[1]
    record.versions.push(version)
    acknowledged++
    const id = /Immunization\/([0-9a-f-]{36})/.exec(location ?? '')?.[1]
    if (id !== undefined && record.id === undefined) record.id = id
    if (record.id === undefined)
      faults.push(`record ${record.n}: the answer to its ${version.operation} has no Location`)
    if (number !== undefined && Number(number) !== record.versions.length)
      faults.push(
        `record ${record.n}: its ${version.operation} was acknowledged as version ${number}, expected ${record.versions.length}`
      )
  }

  function begin(): void {
    const write = chooseWrite(records, random)
    write.record.isBusy = true
    const done = perform(write)
      .finally(() => {
        write.record.isBusy = false
      })
      .finally(() => underWay.delete(done))
    underWay.add(done)
  }
  const timer = setInterval(() => {
    if (underWay.size < MOST_UNDER_WAY) begin()
  }, 1_000 / perSecond)

  return {
    async stop(withinMs) {
      clearInterval(timer)
      const tooLate = setTimeout(() => (isOver = true), withinMs)
      while (underWay.size > 0) await Promise.all(underWay)
      clearTimeout(tooLate)
    },
    records: () => records,
    faults: () => faults,
    statistics: () => ({ acknowledged, retries, answers }),
    async close() {
      await Promise.all(pools.map((pool) => pool.destroy()))
    }
  }
}

/** A new record as a rule; else one that rests is corrected, deleted, or reinstated where it is deleted. */
function chooseWrite(records: SupplierRecord[], random: () => number): Write {
  const wish = random()
  const resting = wish < 0.5 ? undefined : findResting(records, random)
  const withKey = random() < 0.5
  if (resting === undefined) {
    const record = planRecord(records.length)
    records.push(record)
    return writeOf(record, 'create', withKey)
  }
  if (isDeleted(resting)) return writeOf(resting, 'reinstate', withKey)
  return writeOf(resting, wish < 0.88 ? 'update' : 'delete', withKey)
}

/** Of a few at random, one that is known to the service and that nobody writes. */
function findResting(records: readonly SupplierRecord[], random: () => number): SupplierRecord | undefined {
  for (let tries = 0; tries < 5; tries++) {
    // The newest more often, so that versions of one record meet.
    const back = Math.floor(random() ** 2 * records.length)
    const record = records.at(-1 - back)
    if (record !== undefined && !record.isBusy && record.id !== undefined) return record
  }
  return undefined
}

function writeOf(record: SupplierRecord, operation: SupplierVersion['operation'], withKey: boolean): Write {
  const next = record.versions.length + 1
  const lotNumber = `C${record.n}V${next}`
  const resource = resourceOf(record.n, lotNumber)
  const headers = {
    ...(withKey ? { 'idempotency-key': randomUUID() } : {}),
    ...(operation === 'delete' ? {} : { 'content-type': 'application/fhir+json' })
  }
  const path = '/FHIR/R4/Immunization'
  const at = `${path}/${record.id ?? ''}`
  const version: SupplierVersion = operation === 'delete' ? { operation } : { operation, lotNumber }
  switch (operation) {
    case 'create':
    case 'reinstate':
      return { record, version, request: { method: 'POST', path, headers, body: JSON.stringify(resource) } }
    case 'delete':
      return { record, version, request: { method: 'DELETE', path: at, headers } }
    case 'update': {
      if (!withKey) {
        const criterion = `identifier=${encodeURIComponent(record.identifier.replace('#', '|'))}`
        return {
          record,
          version,
          request: { method: 'PUT', path: `${path}?${criterion}`, headers, body: JSON.stringify(resource) }
        }
      }
      const body = JSON.stringify({ ...resource, id: record.id })
      const condition = { 'if-match': `W/"${next - 1}"` }
      return { record, version, request: { method: 'PUT', path: at, headers: { ...headers, ...condition }, body } }
    }
  }
}
