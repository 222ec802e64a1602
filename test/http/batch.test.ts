// Batch Bundles, limits, and Bundles that are answered later, on PostgreSQL.
import t, { type Test } from 'tap'
import { waitFor } from '../support/wait-for.js'
import {
  BASE,
  answered,
  bundleOf,
  countRecords,
  create,
  deleteOf,
  entriesOf,
  flu,
  getOf,
  outcomeOf,
  postOf,
  putOf,
  readBundleFixture,
  sendBundle,
  statusesOf,
  type Sent
} from './bundle-calls.js'
import { openHub, type OpenHub } from './open-hub.js'

const NOW = new Date('2026-11-15T09:00:00Z')
const open = (t: Test): Promise<OpenHub> => openHub(t, () => NOW)
const SECOND_PATIENT = '9990016410'

t.test('every entry of a batch has its own answer, in the order sent, and a bad one spoils no other', async (t) => {
  const hub = await open(t)
  const sent = await sendBundle(
    hub,
    readBundleFixture('batch-with-a-faulty-entry').replace('"value": 0.5,', '"value": 0.50,')
  )

  t.equal(sent.statusCode, 200)
  t.equal(answered(sent).type, 'batch-response')
  t.same(statusesOf(sent), ['200', '201', '400'])
  const [found, , refused] = entriesOf(sent)
  t.match(found?.resource, { resourceType: 'Bundle', total: 1 }, 'reads come last')
  t.match(sent.body, '"value": 0.50,')
  t.ok(outcomeOf(refused?.response?.outcome).some(({ at }) => at === 'Bundle.entry[2].resource.vaccineCode'))
  t.equal((await hub.pool.query('select from refused_submission')).rowCount, 1, 'what was refused is kept')
  t.same(hub.faults, [])
})

t.test('what an entry cannot ask for is refused in that entry alone', async (t) => {
  const hub = await open(t)
  const stored = await create(hub, flu('stored'))
  const id = stored.id ?? ''
  const wrong: [object, string][] = [
    [getOf('https://elsewhere.example/FHIR/R4/Immunization/1'), '400'],
    [getOf('../metadata'), '400'],
    [getOf('Immunization/../metadata'), '400'],
    [getOf('/Immunization'), '400'],
    [getOf('metadata'), '400'],
    [getOf('Patient/1'), '400'],
    [getOf('Observation'), '400'],
    [getOf(`Immunization/${id}/$validate`), '400'],
    [getOf('Immunization?patient.identifier=%zz'), '400'],
    [getOf('Immunization?colour=red'), '400'],
    [getOf(`Immunization/${id}/_history/0`), '404'],
    [{ request: { method: 'HEAD', url: `Immunization/${id}` } }, '400'],
    [{ request: { method: 'PATCH', url: `Immunization/${id}` } }, '400'],
    [{ request: { method: 'BREW', url: 'Immunization' } }, '400'],
    [{ request: { method: 'GET' } }, '400'],
    [{ resource: flu('x') }, '400'],
    [{ request: { method: 'POST', url: 'Immunization' } }, '400'],
    [{ request: { method: 'POST', url: 'Immunization/_search' } }, '400'],
    [{ request: { method: 'DELETE', url: 'Immunization?identifier=a|b' } }, '400'],
    [{ resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Patient' } }, '400'],
    [postOf({ ...flu('urn'), encounter: { reference: 'urn:uuid:6f5e4d3c-0000-4000-8000-0000000000dd' } }), '400'],
    [postOf([] as never), '400'],
    [deleteOf('not-an-id'), '404'],
    [putOf({ ...stored, lotNumber: 'X' }, 'three'), '400']
  ]
  const right: object[] = [
    getOf(`https://hub.test${BASE}/Immunization/${id}/_history/1`),
    postOf(flu('good', { nhsNumber: SECOND_PATIENT }))
  ]
  const sent = await sendBundle(hub, bundleOf('batch', [...wrong.map(([entry]) => entry), ...right]))

  t.equal(sent.statusCode, 200, sent.body)
  const entries = entriesOf(sent)
  wrong.forEach(([entry, status], index) => {
    const { response } = entries[index] ?? {}
    t.match(response?.status, new RegExp(`^${status} `), JSON.stringify(entry))
    t.ok(
      outcomeOf(response?.outcome).every(({ at }) => at?.startsWith(`Bundle.entry[${index}]`)),
      JSON.stringify(response)
    )
  })
  t.same(statusesOf(sent).slice(wrong.length), ['200', '201'])
  t.equal(await countRecords(hub), 2)
  t.same(hub.faults, [])
})

t.test('what is no batch or transaction is refused as a whole', async (t) => {
  const hub = await open(t)
  const bad: [object | string, number][] = [
    ['', 400],
    ['{"resourceType":"Bundle","type":"batch","type":"batch"}', 400],
    [flu('single'), 400],
    [{ resourceType: 'Bundle', type: 'searchset' }, 400],
    [{ resourceType: 'Bundle' }, 400],
    ['null', 400],
    [{ resourceType: 'Bundle', type: 'batch', entry: [] }, 400],
    [{ resourceType: 'Bundle', type: 'batch', entry: {} }, 400],
    [{ resourceType: 'Bundle', type: 'batch', total: 1, entry: [getOf('Immunization?_id=1')] }, 400],
    [{ resourceType: 'Bundle', type: 'batch', banana: true }, 400],
    [
      bundleOf('transaction', [
        { ...postOf(flu('a')), fullUrl: 'urn:uuid:6f5e4d3c-0000-4000-8000-0000000000ee' },
        { ...postOf(flu('b')), fullUrl: 'urn:uuid:6f5e4d3c-0000-4000-8000-0000000000ee' }
      ]),
      400
    ],
    [
      bundleOf(
        'batch',
        Array.from({ length: 201 }, () => getOf('Immunization?_id=1'))
      ),
      413
    ],
    [`{"resourceType":"Bundle","type":"batch","id":"${'x'.repeat(10_485_760)}"}`, 413]
  ]
  for (const [bundle, status] of bad) {
    const sent = await sendBundle(hub, bundle)
    t.equal(sent.statusCode, status, sent.body.slice(0, 300))
    t.match(JSON.parse(sent.body), { resourceType: 'OperationOutcome' })
  }
  const empty = await sendBundle(hub, { resourceType: 'Bundle', type: 'transaction' })
  t.same(JSON.parse(empty.body), { resourceType: 'Bundle', type: 'transaction-response' })
  t.equal(await countRecords(hub), 0)
  const asked = await hub.server.inject({ url: BASE })
  t.match(asked, { statusCode: 405, headers: { allow: 'POST' } })
  t.same(hub.faults, [])
})

t.test('two hundred entries, larger than a single resource may be, and a slash at the end', async (t) => {
  const hub = await open(t)
  const entries = Array.from({ length: 200 }, (_, n) =>
    postOf({ ...flu(`many-${n}`, { nhsNumber: SECOND_PATIENT }), note: [{ text: 'x'.repeat(8_000) }] })
  )
  const sent = await hub.server.inject({
    method: 'POST',
    url: `${BASE}/`,
    headers: { authorization: await hub.bearer(), 'content-type': 'application/fhir+json' },
    payload: JSON.stringify(bundleOf('batch', entries))
  })
  t.same([...new Set(statusesOf(sent))], ['201'])
  t.equal(await countRecords(hub), 200)
})

t.test('Prefer: return decides on resources and outcomes of what was written', async (t) => {
  const hub = await open(t)
  const bundle = bundleOf('batch', [postOf(flu('preferred'))])
  const represented = entriesOf(await sendBundle(hub, bundle, { prefer: 'return=representation' }))
  t.match(represented[0]?.resource, { resourceType: 'Immunization', meta: { versionId: '1' } })
  const outcome = entriesOf(
    await sendBundle(hub, bundleOf('batch', [postOf(flu('p2', { nhsNumber: SECOND_PATIENT }))]), {
      prefer: 'return=OperationOutcome'
    })
  )
  t.same(outcomeOf(outcome[0]?.response?.outcome), [{ rule: 'accepted', at: 'Bundle.entry[0]' }])
  const again = entriesOf(await sendBundle(hub, bundle))
  t.same(outcomeOf(again[0]?.response?.outcome), [{ rule: 'exact-resend', at: 'Bundle.entry[0]' }])
  t.notOk(again[0]?.resource)
})

const LATER = { prefer: 'respond-async, return=representation' }

async function askStatus(hub: OpenHub, url: unknown, method: 'GET' | 'DELETE' = 'GET', client?: string): Promise<Sent> {
  const authorization = await hub.bearer(client === undefined ? {} : { client })
  return hub.server.inject({ method, url: String(url).replace('https://hub.test', ''), headers: { authorization } })
}

t.test('respond-async: 202 and a status URL of this client only, then the answer, until it is deleted', async (t) => {
  const hub = await open(t)
  const kicked = await sendBundle(hub, readBundleFixture('covid-and-flu-transaction'), LATER)
  t.equal(kicked.statusCode, 202)
  const url = kicked.headers['content-location']
  t.match(url, /^https:\/\/hub\.test\/FHIR\/R4\/\$async-status\/[0-9a-f-]{36}$/)
  t.match(await askStatus(hub, url), {
    statusCode: 202,
    headers: { 'x-progress': '0 of 7 entries', 'retry-after': '1' }
  })
  t.equal(await countRecords(hub), 0)
  t.equal((await askStatus(hub, url, 'GET', 'somebody-else')).statusCode, 404)
  t.equal((await askStatus(hub, url, 'DELETE', 'somebody-else')).statusCode, 404)

  hub.worker.start()
  const done = await waitFor(async () => {
    const status = await askStatus(hub, url)
    return status.statusCode === 202 ? undefined : status
  }, 'the answer')
  t.match(done, { statusCode: 200, headers: { expires: /GMT$/ } })
  t.same(statusesOf(done).slice(0, 2), ['201', '201'])
  t.equal(await countRecords(hub), 2)
  t.match(
    (await hub.pool.query('select body from bundle_job')).rows,
    [{ body: null }],
    'what was sent is not kept longer'
  )

  const refused = await sendBundle(hub, bundleOf('transaction', [postOf({ ...flu('r'), status: 'x' })]), LATER)
  const answer = await waitFor(async () => {
    const status = await askStatus(hub, refused.headers['content-location'])
    return status.statusCode === 202 ? undefined : status
  }, 'the refusal')
  t.equal(answer.statusCode, 400, 'a refused transaction is answered as it would have been at once')
  t.match(JSON.parse(answer.body), { resourceType: 'OperationOutcome' })

  t.equal((await askStatus(hub, url, 'DELETE')).statusCode, 202)
  t.equal((await askStatus(hub, url)).statusCode, 404)
  await hub.pool.query(`update bundle_job set expires_at = now() - interval '1 second'`)
  t.equal((await askStatus(hub, refused.headers['content-location'])).statusCode, 404, 'expired')
  t.equal((await askStatus(hub, `${BASE}/$async-status/x`)).statusCode, 404)
  t.same(hub.faults, [])
})

t.test(
  'a job that was half done when its process died is finished by another, and nothing is done twice',
  async (t) => {
    const hub = await open(t)
    const stored = await create(hub, flu('stored'))
    const kicked = await sendBundle(
      hub,
      bundleOf('batch', [
        postOf(flu('later-1', { nhsNumber: SECOND_PATIENT })),
        putOf({ ...stored, lotNumber: 'NEW2' }, 'W/"1"'),
        postOf({ ...flu('later-3'), status: 'x' }),
        getOf(`Immunization/${stored.id ?? ''}`)
      ]),
      LATER
    )
    const url = kicked.headers['content-location']
    // The process dies after the create: the trigger ends its work there, as a kill would.
    await hub.pool.query(`
    create function die() returns trigger language plpgsql as $$
    begin
      if new.entry_index = 1 then raise exception 'killed'; end if;
      return new;
    end $$;
    create trigger dying before insert on bundle_job_entry for each row execute function die()`)
    hub.worker.start()
    await waitFor(
      async () =>
        (await hub.pool.query(`select from bundle_job where tries = 1 and lease_until < now() + interval '10 seconds'`))
          .rowCount,
      'the first try'
    )
    t.match(await askStatus(hub, url), { statusCode: 202, headers: { 'x-progress': '2 of 4 entries' } })
    t.equal((await hub.pool.query('select from record_version')).rowCount, 2, 'the update was undone with its answer')
    await hub.pool.query('drop trigger dying on bundle_job_entry')
    await hub.pool.query('update bundle_job set lease_until = now()')

    hub.worker.wake()
    const done = await waitFor(async () => {
      const status = await askStatus(hub, url)
      return status.statusCode === 202 ? undefined : status
    }, 'the answer')
    t.same(statusesOf(done), ['201', '200', '400', '200'], 'each as if nothing had happened')
    t.match(entriesOf(done)[3]?.resource, { lotNumber: 'NEW2', meta: { versionId: '2' } })
    t.equal((await hub.pool.query('select from record_version')).rowCount, 3)
    t.equal((await hub.pool.query('select from delivery')).rowCount, 3, 'one delivery for each version')
    t.equal((await hub.pool.query('select from refused_submission')).rowCount, 1)
  }
)

t.test('a worker whose lease ran out, or whose job was cancelled, writes nothing', async (t) => {
  const hub = await open(t)
  const kicked = await sendBundle(hub, bundleOf('transaction', [postOf(flu('lost'))]), LATER)
  await hub.pool.query(`
    create function overtake() returns trigger language plpgsql as $$
    begin
      update bundle_job set epoch = epoch + 1 where state = 'running';
      return new;
    end $$;
    create trigger overtaking before insert on record_version for each row execute function overtake()`)
  hub.worker.start()
  await waitFor(async () => (await hub.pool.query('select from bundle_job where tries = 1')).rowCount, 'the first try')
  await hub.worker.stop()
  t.equal(await countRecords(hub), 0)
  t.equal((await askStatus(hub, kicked.headers['content-location'])).statusCode, 202)
  t.equal((await askStatus(hub, kicked.headers['content-location'], 'DELETE')).statusCode, 202)
  t.same(hub.faults, [])
})

t.test('a client has so many unfinished Bundles at most', async (t) => {
  const hub = await open(t)
  const bundle = bundleOf('batch', [getOf('Immunization?_id=1')])
  for (let n = 0; n < 20; n++) t.equal((await sendBundle(hub, bundle, LATER)).statusCode, 202)
  t.match(await sendBundle(hub, bundle, LATER), { statusCode: 429, headers: { 'retry-after': '10' } })
  t.equal((await sendBundle(hub, bundle, LATER, { client: 'another' })).statusCode, 202)
})
