// Writes by identifier, version conditions and reasons of deletes: from the socket to the ledger.
import type { Bundle, Immunization, OperationOutcome } from 'fhir/r4.js'
import t, { type Test } from 'tap'
import { uuidv7 } from 'uuidv7'
import { fluByPharmacy } from '../support/ingest-rig.js'
import { openHub } from './open-hub.js'
import { openCaller, rulesOf, SYSTEM, type Call } from './write-calls.js'

const NOW = new Date('2026-11-15T09:00:00Z')
const hub = await openHub(t, () => NOW)
const URL = '/FHIR/R4/Immunization'
const flu = (value: string, changes: Partial<Immunization> & { system?: string } = {}) =>
  fluByPharmacy({ value, system: SYSTEM, nhsNumber: '9990013675', ...changes })
const as = (client: string, permissions?: string[]): Call => openCaller(hub, client, permissions)
const pharmacy = as('pharmacy')
const versionsOf = async (id: string): Promise<number> =>
  (JSON.parse((await pharmacy('GET', `${URL}/${id}/_history`)).body) as Bundle).total ?? 0

/** A record that is there before the test begins. */
async function create(t: Test, resource: object): Promise<Immunization> {
  const created = await pharmacy('POST', URL, resource)
  t.equal(created.statusCode, 201, created.body)
  return JSON.parse(created.body) as Immunization
}

t.test('a conditional create makes one record, and is answered with it ever after', async (t) => {
  const value = uuidv7()
  const condition = { 'if-none-exist': `identifier=${SYSTEM}|${value}` }
  const first = await pharmacy('POST', URL, flu(value), condition)
  t.equal(first.statusCode, 201, first.body)

  const again = await pharmacy('POST', URL, flu(value, { lotNumber: 'OTHER1' }), condition)
  t.match(again, {
    statusCode: 200,
    headers: {
      etag: 'W/"1"',
      location: first.headers['location'],
      'last-modified': first.headers['last-modified'],
      'x-issue-count': 1
    }
  })
  t.equal(again.body, first.body, 'the record as it is, not what was sent')
  const faulty = await pharmacy('POST', URL, { resourceType: 'Immunization' }, condition)
  t.equal(faulty.statusCode, 200, 'what is sent is not looked at where a record matches')
  const told = await pharmacy('POST', URL, flu(value), { ...condition, prefer: 'return=OperationOutcome' })
  t.same([told.statusCode, rulesOf(told)], [200, ['condition-matched']])
  const minimal = await pharmacy('POST', URL, flu(value), { ...condition, prefer: 'return=minimal' })
  t.match(minimal, { statusCode: 200, body: '', headers: { 'preference-applied': 'return=minimal' } })
  t.equal(await versionsOf((JSON.parse(first.body) as Immunization).id ?? ''), 1)
})

t.test('the forms of If-None-Exist that clients send are understood', async (t) => {
  const value = `a b+${uuidv7()}`
  await create(t, flu(value))
  const encoded = encodeURIComponent(value)
  for (const form of [
    `identifier=${SYSTEM}|${encoded}`,
    `?identifier=${SYSTEM}%7C${encoded}`,
    `Immunization?identifier=${encodeURIComponent(`${SYSTEM}|${value}`)}`,
    `identifier=${encoded}`
  ]) {
    const answer = await pharmacy('POST', URL, flu(uuidv7()), { 'if-none-exist': form })
    t.equal(answer.statusCode, 200, form)
  }
  const comma = `x,y|z\\${uuidv7()}`
  await create(t, flu(comma))
  const escaped = encodeURIComponent(comma.replace(/[\\,|]/g, '\\$&'))
  const answer = await pharmacy('POST', URL, flu(uuidv7()), { 'if-none-exist': `identifier=${SYSTEM}|${escaped}` })
  t.equal(answer.statusCode, 200, 'escaped comma, bar and backslash')
})

t.test('a condition that is not exactly one identifier is refused, however lenient the caller is', async (t) => {
  for (const condition of [
    '',
    'identifier',
    'identifier=',
    'identifier=%20',
    `identifier=${SYSTEM}|`,
    'identifier=|x',
    'identifier=a|b,c|d',
    'identifier=a|b&identifier=a|b',
    'identifier=a|b&_count=1',
    'identifier:of-type=a|b|c',
    'identifier:not=a|b',
    '_id=1',
    'patient.identifier=https://fhir.nhs.uk/Id/nhs-number|9990013675',
    'Patient?identifier=a|b',
    'banana=1'
  ]) {
    const lenient = { prefer: 'handling=lenient' }
    const post = await pharmacy('POST', URL, flu(uuidv7()), { 'if-none-exist': condition, ...lenient })
    t.same([post.statusCode, rulesOf(post)], [400, ['condition-parameters']], `If-None-Exist: ${condition}`)
    if (condition === '') continue
    const put = await pharmacy('PUT', `${URL}?${condition}`, flu(uuidv7()), lenient)
    t.same([put.statusCode, rulesOf(put)], [400, ['condition-parameters']], `PUT ?${condition}`)
    const patch = await pharmacy('PATCH', `${URL}?${condition}`, [], lenient)
    t.same([patch.statusCode, rulesOf(patch)], [400, ['condition-parameters']], `PATCH ?${condition}`)
  }
  const encoding = await pharmacy('POST', URL, flu(uuidv7()), { 'if-none-exist': 'identifier=a|%zz' })
  t.same([encoding.statusCode, rulesOf(encoding)], [400, ['parameter-encoding']])
})

t.test(
  'a condition without a system meets the caller’s own records only, and several of them are too many',
  async (t) => {
    const value = uuidv7()
    await create(t, flu(value))
    const stranger = as('stranger')
    const theirs = await stranger('POST', URL, flu(value, { system: 'https://stranger.example/id' }), {
      'if-none-exist': `identifier=${value}`
    })
    t.equal(theirs.statusCode, 201, 'the same value of another client is no match')
    await create(t, flu(value, { system: 'https://second.example/id' }))
    const many = await pharmacy('POST', URL, flu(uuidv7()), { 'if-none-exist': `identifier=${value}` })
    t.same([many.statusCode, rulesOf(many)], [412, ['condition-many']])
    for (const method of ['PUT', 'PATCH'] as const) {
      const answer = await pharmacy(method, `${URL}?identifier=${value}`, method === 'PUT' ? flu(value) : [])
      t.same([answer.statusCode, rulesOf(answer)], [412, ['condition-many']], method)
    }
  }
)

t.test('a record of another client is never shown: not by a create, an update or a patch', async (t) => {
  const value = uuidv7()
  await create(t, flu(value, { lotNumber: 'SECRET1' }))
  const thief = as('thief')
  const query = `${URL}?identifier=${SYSTEM}|${value}`
  const post = await thief('POST', URL, flu(value), { 'if-none-exist': `identifier=${SYSTEM}|${value}` })
  t.same([post.statusCode, rulesOf(post)], [409, ['identifier-of-another']])
  const put = await thief('PUT', query, flu(value))
  t.same([put.statusCode, rulesOf(put)], [409, ['identifier-of-another']])
  const patch = await thief('PATCH', query, [{ op: 'test', path: '/lotNumber', value: 'guess' }])
  t.same([patch.statusCode, rulesOf(patch)], [404, ['unknown-record']])
  for (const answer of [post, put, patch]) t.notMatch(answer.body + JSON.stringify(answer.headers), /SECRET1|W\/"1"/)
})

t.test('a header that names another identifier than the body is a condition like any other', async (t) => {
  const value = uuidv7()
  const answer = await pharmacy('POST', URL, flu(value), { 'if-none-exist': `identifier=${SYSTEM}|${uuidv7()}` })
  t.equal(answer.statusCode, 201, 'nothing matches, so it is an ordinary create')
  const resent = await pharmacy('POST', URL, flu(value), { 'if-none-exist': `identifier=${SYSTEM}|${uuidv7()}` })
  t.equal(resent.statusCode, 200, 'and the identifier of the body still keeps it from being created twice')
})

t.test('an update by identifier creates, changes, and leaves alone what is the same', async (t) => {
  const value = uuidv7()
  const query = `${URL}?identifier=${encodeURIComponent(`${SYSTEM}|${value}`)}`
  const created = await pharmacy('PUT', query, flu(value))
  t.match(created, { statusCode: 201, headers: { etag: 'W/"1"' } }, created.body)
  const { id = '' } = JSON.parse(created.body) as Immunization
  t.equal(created.headers['location'], `https://hub.test${URL}/${id}/_history/1`)

  const same = await pharmacy('PUT', query, flu(value))
  t.match(same, { statusCode: 200, headers: { etag: 'W/"1"', 'last-modified': created.headers['last-modified'] } })
  const changed = await pharmacy('PUT', query, flu(value, { lotNumber: 'NEW1' }))
  t.match(changed, { statusCode: 200, headers: { etag: 'W/"2"' } })
  const named = await pharmacy('PUT', query, flu(value, { id, lotNumber: 'NEW2' }), { 'if-match': 'W/"2"' })
  t.match(named, { statusCode: 200, headers: { etag: 'W/"3"' } })
  const stale = await pharmacy('PUT', query, flu(value, { lotNumber: 'NEW3' }), { 'if-match': 'W/"1", W/"2"' })
  t.same([stale.statusCode, rulesOf(stale)], [412, ['version-stale']])
  const either = await pharmacy('PUT', query, flu(value, { lotNumber: 'NEW3' }), { 'if-match': 'W/"2", "3"' })
  t.equal(either.statusCode, 200)
  const any = await pharmacy('PUT', query, flu(value, { lotNumber: 'NEW4' }), { 'if-match': '*' })
  t.equal(any.statusCode, 200)
  t.equal(await versionsOf(id), 5)
})

t.test('an update by identifier that cannot be meant is refused', async (t) => {
  const value = uuidv7()
  const query = `${URL}?identifier=${SYSTEM}|${value}`
  const answers: [name: string, answer: ReturnType<Call>, status: number, rule: string][] = [
    ['an id where nothing matches', pharmacy('PUT', query, flu(value, { id: uuidv7() })), 404, 'unknown-record'],
    [
      'a version where nothing matches',
      pharmacy('PUT', query, flu(value), { 'if-match': 'W/"1"' }),
      412,
      'version-stale'
    ],
    ['another identifier where nothing matches', pharmacy('PUT', query, flu(uuidv7())), 422, 'condition-mismatch']
  ]
  for (const [name, asked, status, rule] of answers) {
    const answer = await asked
    t.same([answer.statusCode, rulesOf(answer)[0]], [status, rule], name)
  }
  const record = await create(t, flu(value))
  const otherId = await pharmacy('PUT', query, flu(value, { id: uuidv7() }))
  t.same([otherId.statusCode, rulesOf(otherId)], [400, ['update-id']])
  const otherIdentifier = await pharmacy('PUT', query, flu(uuidv7()))
  t.same([otherIdentifier.statusCode, rulesOf(otherIdentifier)[0]], [422, 'identifier-changed'])
  const faulty = await pharmacy('PUT', query, { ...flu(value), status: 'done', lotNumber: 7 })
  t.equal(faulty.statusCode, 400)
  const places = (JSON.parse(faulty.body) as OperationOutcome).issue.flatMap(({ expression }) => expression ?? [])
  t.ok(places.includes('Immunization.status') && places.includes('Immunization.lotNumber'), 'every fault at once')
  t.equal(await versionsOf(record.id ?? ''), 1)
})

t.test('an update by identifier needs the permission for what it comes to', async (t) => {
  const value = uuidv7()
  const query = `${URL}?identifier=${SYSTEM}|${value}`
  const updater = as('pharmacy', ['FLU.RUS'])
  t.same(rulesOf(await updater('PUT', query, flu(value))), ['permission-missing'])
  await create(t, flu(value))
  t.equal((await updater('PUT', query, flu(value, { lotNumber: 'B1' }))).statusCode, 200)
  const creator = as('pharmacy', ['FLU.CRS'])
  t.same(rulesOf(await creator('PUT', query, flu(value, { lotNumber: 'B2' }))), ['permission-missing'])
  const noScope = await hub.server.inject({
    method: 'PUT',
    url: query,
    headers: {
      authorization: await hub.bearer({ client: 'pharmacy', scopes: ['system/Immunization.u'] }),
      'content-type': 'application/fhir+json'
    },
    payload: JSON.stringify(flu(value))
  })
  t.equal(noScope.statusCode, 403, 'scope c is wanted too: it may come to a create')
})

t.test('a deleted identifier matches nothing, and its record is reinstated with a warning', async (t) => {
  for (const method of ['POST', 'PUT'] as const) {
    const value = uuidv7()
    const { id = '' } = await create(t, flu(value))
    t.equal((await pharmacy('DELETE', `${URL}/${id}`)).statusCode, 204)
    const query = `identifier=${SYSTEM}|${value}`
    const told = { prefer: 'return=OperationOutcome' }
    const answer =
      method === 'POST'
        ? await pharmacy('POST', URL, flu(value), { 'if-none-exist': query, ...told })
        : await pharmacy('PUT', `${URL}?${query}`, flu(value), told)
    t.same([answer.statusCode, rulesOf(answer)[0]], [201, 'reinstated'], method)
    t.equal(answer.headers['location'], `https://hub.test${URL}/${id}/_history/3`)
  }
  const { id = '' } = await create(t, flu(uuidv7()))
  await pharmacy('DELETE', `${URL}/${id}`)
  const put = await pharmacy('PUT', `${URL}/${id}`, flu('x', { id }), { 'if-match': 'W/"2"' })
  t.same([put.statusCode, rulesOf(put)[0]], [422, 'identifier-changed'])
})

t.test('64 conditional creates, and 64 conditional updates, make one record each', async (t) => {
  for (const method of ['POST', 'PUT'] as const) {
    const value = uuidv7()
    const query = `identifier=${SYSTEM}|${value}`
    const answers = await Promise.all(
      Array.from({ length: 64 }, () =>
        method === 'POST'
          ? pharmacy('POST', URL, flu(value), { 'if-none-exist': query })
          : pharmacy('PUT', `${URL}?${query}`, flu(value))
      )
    )
    const statuses = answers.map(({ statusCode }) => statusCode).sort()
    t.same(statuses, [...Array.from({ length: 63 }, () => 200), 201], method)
    t.equal(new Set(answers.map(({ headers }) => headers['location'])).size, 1)
    t.equal(new Set(answers.map(({ body }) => body)).size, 1)
  }
  t.same(hub.faults, [])
})

t.test('a delete keeps its reason, says its version, and is not done twice', async (t) => {
  const { id = '' } = await create(t, flu(uuidv7()))
  const record = `${URL}/${id}`
  const stale = await pharmacy('DELETE', record, undefined, { 'if-match': 'W/"2"' })
  t.same([stale.statusCode, rulesOf(stale)], [412, ['version-stale']])
  for (const reason of ['', '   ', 'x'.repeat(201), 'a\tb'])
    t.same(
      rulesOf(await pharmacy('DELETE', record, undefined, { 'x-delete-reason': reason })),
      ['delete-reason'],
      JSON.stringify(reason.slice(0, 5))
    )

  const reason = Buffer.from('entered for the wrong patient – naïve copy').toString('latin1')
  const headers = { 'x-delete-reason': reason, 'if-match': 'W/"1", W/"7"' }
  const deleted = await pharmacy('DELETE', record, undefined, headers)
  t.match(deleted, { statusCode: 204, body: '', headers: { etag: 'W/"2"', 'last-modified': NOW.toUTCString() } })
  const again = await pharmacy('DELETE', record, undefined, { ...headers, prefer: 'return=OperationOutcome' })
  t.match(again, {
    statusCode: 200,
    headers: { etag: 'W/"2"', 'preference-applied': 'return=OperationOutcome' }
  })
  t.same(rulesOf(again), ['accepted'])
  const whole = await pharmacy('DELETE', record, undefined, { prefer: 'return=representation' })
  t.equal(whole.statusCode, 204)
  t.notOk(whole.headers['preference-applied'], 'there is nothing to represent')

  const history = JSON.parse((await pharmacy('GET', `${record}/_history`)).body) as Bundle
  t.equal(history.total, 2)
  const [newest, oldest] = history.entry ?? []
  t.match(newest?.response?.outcome, {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'information', details: { text: /: entered for the wrong patient – naïve copy$/ } }]
  })
  t.notOk(oldest?.response?.outcome)
  const { rows } = await hub.pool.query<{ action: string; detail: string }>(
    `select action, detail from audit_entry where record_id = $1 order by position`,
    [id]
  )
  t.match(JSON.parse(rows[1]?.detail ?? ''), { reason: 'entered for the wrong patient – naïve copy' })
  t.equal(rows.length, 2)
})
