// Keys of writes: a request that is sent again is answered as the first time, whichever process it meets.
import type { Immunization } from 'fhir/r4.js'
import t from 'tap'
import { uuidv7 } from 'uuidv7'
import { createDatabase } from '../../src/storage/database.js'
import { createIdempotencyStore } from '../../src/storage/idempotency-store.js'
import {
  clientOf,
  createIngestRig,
  fluByPharmacy,
  openIngest,
  payloadOf,
  rulesOf as rulesOfVerdict
} from '../support/ingest-rig.js'
import { openHub } from './open-hub.js'
import { openCaller, rulesOf, SYSTEM, type Sent } from './write-calls.js'

const NOW = new Date('2026-11-15T09:00:00Z')
let now = NOW
const hub = await openHub(t, () => now)
const URL = '/FHIR/R4/Immunization'
const pharmacy = openCaller(hub, 'pharmacy')
const flu = (changes: Partial<Immunization> = {}) =>
  fluByPharmacy({ value: uuidv7(), system: SYSTEM, nhsNumber: '9990013675', ...changes })
const countOf = async (table: 'record_version' | 'idempotency_key'): Promise<number> =>
  (await hub.pool.query<{ n: number }>(`select count(*)::integer as n from ${table}`)).rows[0]?.n ?? -1

/** What must be the same when a write is answered again. */
function told({ statusCode, headers, body }: Sent) {
  const { location, etag, 'last-modified': lastModified, 'x-issue-count': issues } = headers
  return { statusCode, location, etag, lastModified, issues, body }
}

t.test('a keyed write is answered again as the first time, and marked', async (t) => {
  const key = { 'idempotency-key': uuidv7() }
  const sent = flu()
  const first = await pharmacy('POST', URL, sent, key)
  t.equal(first.statusCode, 201, first.body)
  t.notOk(first.headers['idempotency-replayed'])
  const versions = await countOf('record_version')

  const again = await pharmacy('POST', URL, sent, key)
  t.same(told(again), told(first))
  t.equal(again.headers['idempotency-replayed'], 'true')
  const quoted = await pharmacy('POST', URL, sent, { 'idempotency-key': `"${key['idempotency-key']}"` })
  t.equal(quoted.headers['idempotency-replayed'], 'true', 'quotes are not part of the key')
  const outcome = await pharmacy('POST', URL, sent, { ...key, prefer: 'return=OperationOutcome' })
  t.same([outcome.statusCode, rulesOf(outcome)], [201, ['accepted']], 'the form of the answer may be another one')
  t.equal(await countOf('record_version'), versions)
})

t.test('the answer is that of the write, even after the record went on', async (t) => {
  const created = await pharmacy('POST', URL, flu())
  const { id = '' } = JSON.parse(created.body) as Immunization
  const resource = { ...(JSON.parse(created.body) as Immunization), lotNumber: 'B1' }
  const key = { 'idempotency-key': 'put-1', 'if-match': 'W/"1"' }
  const put = await pharmacy('PUT', `${URL}/${id}`, resource, key)
  t.match(put, { statusCode: 200, headers: { etag: 'W/"2"' } })
  const patchKey = { 'idempotency-key': 'patch-1', 'if-match': 'W/"2"' }
  const patch = [{ op: 'replace', path: '/lotNumber', value: 'B2' }]
  const patched = await pharmacy('PATCH', `${URL}/${id}`, patch, patchKey)
  t.equal(patched.statusCode, 200)
  const deleteKey = { 'idempotency-key': 'delete-1' }
  now = new Date(NOW.getTime() + 5_000)
  const deleted = await pharmacy('DELETE', `${URL}/${id}`, undefined, deleteKey)
  t.equal(deleted.statusCode, 204)
  now = new Date(NOW.getTime() + 10_000)

  t.same(told(await pharmacy('PUT', `${URL}/${id}`, resource, key)), told(put), 'not 412, and nothing reinstated')
  t.same(told(await pharmacy('PATCH', `${URL}/${id}`, patch, patchKey)), told(patched))
  const again = await pharmacy('DELETE', `${URL}/${id}`, undefined, deleteKey)
  t.same(told(again), told(deleted))
  t.equal(again.headers['idempotency-replayed'], 'true')
  now = NOW
})

t.test('the same key with another request is refused, that of another client is another key', async (t) => {
  const key = { 'idempotency-key': uuidv7() }
  const sent = flu()
  const first = await pharmacy('POST', URL, sent, key)
  const other = await pharmacy('POST', URL, flu(), key)
  t.same([other.statusCode, rulesOf(other)], [422, ['idempotency-mismatch']])
  const { id = '' } = JSON.parse(first.body) as Immunization
  const otherTarget = await pharmacy('DELETE', `${URL}/${id}`, undefined, key)
  t.same([otherTarget.statusCode, rulesOf(otherTarget)], [422, ['idempotency-mismatch']])
  const stranger = await openCaller(hub, 'stranger')('POST', URL, sent, key)
  t.same([stranger.statusCode, rulesOf(stranger)], [409, ['identifier-of-another']], 'nothing of it is shown')
})

t.test('a refusal is not kept: what was mended may be sent with the same key', async (t) => {
  const key = { 'idempotency-key': uuidv7() }
  const sent = flu()
  const refused = await pharmacy('POST', URL, { ...sent, status: 'done' }, key)
  t.equal(refused.statusCode, 400)
  t.equal((await pharmacy('POST', URL, sent, key)).statusCode, 201)
})

t.test('a malformed key is refused, and writes without a key leave none', async (t) => {
  for (const key of ['', '""', 'x'.repeat(256), 'é', '"a"b"', 'a\tb'])
    t.same(rulesOf(await pharmacy('POST', URL, flu(), { 'idempotency-key': key })), ['idempotency-key'], key)
  t.equal((await pharmacy('POST', URL, flu(), { 'idempotency-key': 'x'.repeat(255) })).statusCode, 201)
  const before = await countOf('idempotency_key')
  t.equal((await pharmacy('POST', URL, flu(), { 'x-request-id': 'nightly-run' })).statusCode, 201)
  t.equal((await pharmacy('POST', URL, flu(), { 'x-request-id': 'nightly-run' })).statusCode, 201)
  t.equal(await countOf('idempotency_key'), before, 'an X-Request-ID that is no UUID is no key')
})

t.test('an X-Request-ID that is a UUID is a key, unless there is a better one', async (t) => {
  const id = { 'x-request-id': '60E0B220-8136-4CA5-AE46-1D97EF59D068' }
  const sent = flu()
  const first = await pharmacy('POST', URL, sent, id)
  const again = await pharmacy('POST', URL, sent, { 'x-request-id': id['x-request-id'].toLowerCase() })
  t.same(told(again), told(first))
  t.equal(again.headers['idempotency-replayed'], 'true')
  const other = await pharmacy('POST', URL, flu(), id)
  t.same([other.statusCode, rulesOf(other)], [422, ['idempotency-mismatch']])
  const keyed = await pharmacy('POST', URL, flu(), { ...id, 'idempotency-key': id['x-request-id'] })
  t.equal(keyed.statusCode, 201, 'Idempotency-Key counts, and is a key of its own')
})

t.test('after 24 hours a key is forgotten, and swept away', async (t) => {
  const key = { 'idempotency-key': uuidv7() }
  await pharmacy('POST', URL, flu(), key)
  const age = (interval: string) =>
    hub.pool.query('update idempotency_key set kept_at = now() - $1::interval where key = $2', [
      interval,
      key['idempotency-key']
    ])
  await age('23 hours 59 minutes')
  t.equal((await pharmacy('POST', URL, flu(), key)).statusCode, 422)
  await age('24 hours')
  t.equal((await pharmacy('POST', URL, flu(), key)).statusCode, 201, 'before any sweep')
  await age('24 hours')
  const { idempotency } = createDatabase(hub.pool).stores
  const before = await countOf('idempotency_key')
  t.equal(await idempotency.removeExpired(10), 1)
  t.equal(await countOf('idempotency_key'), before - 1)
  t.equal(await idempotency.removeExpired(10), 0)
})

t.test(
  '64 keyed writes at once, by two processes, make one record; the others are told or answered the same',
  async (t) => {
    const one = await createIngestRig(t)
    const two = await openIngest(t, one.pool, one.database)
    const payload = payloadOf(flu())
    const submission = {
      kind: 'create',
      caller: clientOf('pharmacy'),
      requestId: 'r',
      receivedAt: NOW,
      payload,
      idempotency: { key: 'k', requestSha256: Buffer.alloc(32, 1) }
    } as const

    const verdicts = (
      await Promise.all(Array.from({ length: 64 }, (_, n) => (n % 2 === 0 ? one : two).ingest.accept([submission])))
    ).flat()

    const made = verdicts.filter(({ status }) => status === 201)
    const inFlight = verdicts.filter(({ status }) => status === 409)
    t.equal(made.length + inFlight.length, 64)
    t.equal(made.filter(({ replayed }) => replayed !== true).length, 1)
    t.equal(new Set(made.map(({ record }) => record?.recordId)).size, 1)
    for (const verdict of inFlight) t.same(rulesOfVerdict(verdict), ['idempotency-in-flight'])
    t.same(await one.rows('select count(*)::integer as n from record_version'), [{ n: 1 }])
    t.same(await one.rows('select count(*)::integer as n from idempotency_key'), [{ n: 1 }])
    const [later] = await two.ingest.accept([submission])
    t.match(later, { status: 201, replayed: true, record: { body: made[0]?.record?.body } })
  }
)

t.test('a key that another process is busy with is answered at once, with the time to come again', async (t) => {
  const key = uuidv7()
  const holder = await hub.pool.connect()
  try {
    await holder.query('begin')
    const idempotency = createIdempotencyStore({
      async query<Row extends object>(text: string, values: readonly unknown[] = []) {
        const { rows, rowCount } = await holder.query<Row>(text, [...values])
        return { rows, rowCount: rowCount ?? 0 }
      }
    })
    const wanted = { client: 'pharmacy', key, requestSha256: Buffer.alloc(32) }
    t.same(await idempotency.claim([wanted]), [{ isOurs: true }])
    const sent = flu()
    const busy = await pharmacy('POST', URL, sent, { 'idempotency-key': key })
    t.same([busy.statusCode, rulesOf(busy)], [409, ['idempotency-in-flight']])
    t.equal(busy.headers['retry-after'], '1')
    await holder.query('rollback')
    t.equal((await pharmacy('POST', URL, sent, { 'idempotency-key': key })).statusCode, 201)
  } finally {
    holder.release()
  }
  t.same(hub.faults, [])
})
