import { connect } from 'node:net'
import type { OperationOutcome } from 'fhir/r4.js'
import t from 'tap'
import type { Test } from 'tap'
import type { Issue } from '../../src/fhir/issue.js'
import { FhirError } from '../../src/fhir/operation-outcome.js'
import { SEARCH_PARAMETERS } from '../../src/history/search-parameters.js'
import type { History } from '../../src/history/history.js'
import type { Ingest, Submission, Verdict } from '../../src/ingest/submission.js'
import { waitFor } from '../support/wait-for.js'
import { CAPABILITY, NOW, openDoor, type OpenDoor } from './open-door.js'

const RECORD_ID = '019a3f00-0000-7000-8000-000000000001'
const BODY = `{"resourceType":"Immunization","id":"${RECORD_ID}","doseQuantity":{"value":0.50}}`
const URL = '/FHIR/R4/Immunization'
const JSON_HEADERS = { 'content-type': 'application/fhir+json' }

interface Answer {
  statusCode: number
  headers: Record<string, unknown>
  body: string
}

/** An ingest that gives one verdict to everything and keeps what it was given. */
function giveVerdict(verdict: Verdict): { ingest: Ingest; submissions: Submission[] } {
  const submissions: Submission[] = []
  return {
    submissions,
    ingest: {
      accept(given) {
        submissions.push(...given)
        return Promise.resolve(given.map(() => verdict))
      },
      close: () => Promise.resolve()
    }
  }
}

const CREATED: Verdict = {
  status: 201,
  issues: [],
  record: { recordId: RECORD_ID, version: 1, lastUpdated: new Date('2026-11-02T08:59:58.250Z'), body: BODY }
}

function historyOf(methods: Partial<History>): History {
  const never = () => Promise.reject(new Error('not asked in this test'))
  return {
    read: never,
    readVersion: never,
    composed: never,
    versions: never,
    allVersions: never,
    search: never,
    ...methods
  }
}

function outcomeOf(t: Test, answer: Answer, status: number): { rules: (string | undefined)[]; texts: string } {
  t.equal(answer.statusCode, status)
  t.match(answer.headers['content-type'], /^application\/fhir\+json; charset=utf-8$/)
  const outcome = JSON.parse(answer.body) as OperationOutcome
  t.equal(outcome.resourceType, 'OperationOutcome')
  return {
    rules: outcome.issue.map(({ details }) => details?.coding?.[0]?.code),
    texts: outcome.issue.map(({ details }) => details?.text).join('\n')
  }
}

async function post(door: OpenDoor, payload: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> {
  return door.server.inject({
    method: 'POST',
    url: URL,
    headers: { authorization: await door.bearer(), ...JSON_HEADERS, ...headers },
    payload
  })
}

t.test('a created Immunization is answered with its place, version, time and text as stored', async (t) => {
  const { ingest, submissions } = giveVerdict(CREATED)
  const door = await openDoor(t, { ingest })
  const sent = '{"resourceType": "Immunization", "doseQuantity": {"value": 0.50}}'

  const answer = await post(door, sent, { 'x-request-id': 'abc-1', 'x-correlation-id': 'day-7' })

  t.equal(answer.statusCode, 201)
  t.match(answer.headers, {
    location: `https://hub.test/FHIR/R4/Immunization/${RECORD_ID}/_history/1`,
    etag: 'W/"1"',
    'last-modified': 'Mon, 02 Nov 2026 08:59:58 GMT',
    'content-type': 'application/fhir+json; charset=utf-8',
    'x-request-id': 'abc-1',
    'x-correlation-id': 'day-7',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff'
  })
  t.notOk(answer.headers['server'])
  t.equal(answer.body, BODY, 'decimals keep their digits')
  const [submission] = submissions
  t.match(submission, { kind: 'create', requestId: 'abc-1', receivedAt: NOW, caller: { client: 'sandwell-pharmacy' } })
  t.equal(submission?.kind === 'create' ? submission.payload.text : '', sent, 'kept as it was sent')
})

t.test('Prefer chooses the body of an answer to a write', async (t) => {
  const warning = {
    severity: 'warning',
    code: 'business-rule',
    layer: 'programme',
    rule: 'batch-expired',
    text: 'the batch had expired'
  } as const
  const door = await openDoor(t, giveVerdict({ ...CREATED, issues: [warning] }))

  const minimal = await post(door, '{}', { prefer: 'return=minimal' })
  t.equal(minimal.body, '')
  t.match(minimal.headers, { 'preference-applied': 'return=minimal', 'x-issue-count': '1' })

  const outcome = await post(door, '{}', { prefer: 'respond-async, return=OperationOutcome' })
  t.same(outcomeOf(t, outcome, 201).rules, ['batch-expired'])

  const whole = await post(door, '{}', { prefer: 'return=banana' })
  t.equal(whole.body, BODY)
  t.notOk(whole.headers['preference-applied'], 'an unknown preference is not claimed to be applied')

  const clean = await openDoor(t, giveVerdict(CREATED))
  t.same(outcomeOf(t, await post(clean, '{}', { prefer: 'return=OperationOutcome' }), 201).rules, ['accepted'])
})

t.test('a refusal is an OperationOutcome with the status of the verdict', async (t) => {
  const issue: Issue = {
    severity: 'error',
    code: 'required',
    layer: 'profile',
    rule: 'r4-cardinality',
    text: 'Immunization.lotNumber is required',
    expression: ['Immunization.lotNumber']
  }
  const door = await openDoor(t, giveVerdict({ status: 422, issues: [issue] }))
  const answer = await post(door, '{}')
  t.same(outcomeOf(t, answer, 422).rules, ['r4-cardinality'])
  t.same((JSON.parse(answer.body) as OperationOutcome).issue[0]?.expression, ['Immunization.lotNumber'])

  const busy = await openDoor(
    t,
    giveVerdict({ status: 503, issues: [{ ...issue, code: 'transient', rule: 'too-busy' }] })
  )
  const wait = await post(busy, '{}')
  t.same(outcomeOf(t, wait, 503).rules, ['too-busy'])
  t.equal(wait.headers['retry-after'], '5')
})

t.test('a body that is not sound JSON is refused with line and column and never reaches ingest', async (t) => {
  const door = await openDoor(t)
  const deep = `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`
  const cases: [name: string, body: string | Buffer, rule: string][] = [
    ['not JSON', '{"a": tru}', 'json-syntax'],
    ['cut off', '{"resourceType":"Immunization"', 'json-syntax'],
    ['empty', '', 'json-empty'],
    ['too deep', deep, 'json-depth'],
    ['__proto__', '{"a":{"__proto__":{"admin":true}}}', 'json-forbidden-key'],
    ['constructor', '{"constructor":{"prototype":1}}', 'json-forbidden-key'],
    ['duplicate keys', '{"status":"completed","st\\u0061tus":"not-done"}', 'json-duplicate-key'],
    ['NUL', '{"a":"x\\u0000y"}', 'json-nul'],
    ['lone surrogate', '{"a":"\\ud800"}', 'json-surrogate'],
    ['surrogate bytes', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'json-encoding'],
    ['Latin-1', Buffer.from('{"a":"Zoë"}', 'latin1'), 'json-encoding'],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), 'json-syntax'],
    ['a number beyond reading', '{"a":1e400}', 'json-number-range']
  ]
  for (const [name, body, rule] of cases) {
    const answer = await post(door, body)
    t.same(outcomeOf(t, answer, 400).rules, [rule], name)
  }
  t.equal(door.lines.filter(({ level }) => level === 'error').length, 0)
})

t.test('JSON that is no object goes to the judges like any other', async (t) => {
  for (const body of ['null', '[]', '[1,2]', '"text"', '1', '{}']) {
    const { ingest, submissions } = giveVerdict({ status: 400, issues: [] })
    const door = await openDoor(t, { ingest })
    t.equal((await post(door, body)).statusCode, 400)
    t.equal(submissions.length, 1, body)
  }
})

t.test('a body in another form is refused before it is read', async (t) => {
  const door = await openDoor(t)
  const cases: [headers: Record<string, string>, what: RegExp][] = [
    [{ 'content-type': 'text/plain' }, /application\/fhir\+json/],
    [{ 'content-type': 'application/fhir+xml' }, /application\/fhir\+json/],
    [{ 'content-type': 'application/fhir+json; charset=utf-16' }, /UTF-8/],
    [{ 'content-type': 'application/fhir+json; fhirVersion=3.0' }, /R4/],
    [{ 'content-encoding': 'zstd' }, /gzip or br/],
    [{ 'content-type': '' }, /Content-Type/],
    [{ 'content-type': ';;;' }, /Content-Type/]
  ]
  for (const [headers, what] of cases) t.match(outcomeOf(t, await post(door, '{}', headers), 415).texts, what)

  const authorization = await door.bearer()
  const none = await door.server.inject({ method: 'POST', url: URL, headers: { authorization }, payload: '{}' })
  t.same(outcomeOf(t, none, 415).rules, ['media-type'])
  for (const type of [
    'application/json',
    'application/fhir+json;fhirVersion=4.0;charset="UTF-8"',
    'APPLICATION/FHIR+JSON'
  ]) {
    const { ingest } = giveVerdict(CREATED)
    const other = await openDoor(t, { ingest })
    t.equal((await post(other, '{}', { 'content-type': type })).statusCode, 201, type)
  }
})

t.test('a body over the limit is refused, and one at the limit is read', async (t) => {
  const { ingest } = giveVerdict(CREATED)
  const door = await openDoor(t, { ingest, limits: { bodyBytes: 1000 } })
  const ofSize = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`
  t.equal((await post(door, ofSize(1000))).statusCode, 201)
  t.same(outcomeOf(t, await post(door, ofSize(1001)), 413).rules, ['body-too-large'])
})

t.test('Accept and _format choose the form, and what is not served is 406', async (t) => {
  const body = '{"resourceType":"Immunization","doseQuantity":{"value":0.50},"note":[],"x":{"y":[1,{"z":"a\\"{b"}]}}'
  const read = { recordId: RECORD_ID, version: 3, lastUpdated: NOW, body }
  const door = await openDoor(t, { history: historyOf({ read: () => Promise.resolve(read) }) })
  const authorization = await door.bearer()
  const get = (query: string, accept?: string) =>
    door.server.inject({
      url: `${URL}/${RECORD_ID}${query}`,
      headers: { authorization, ...(accept === undefined ? {} : { accept }) }
    })
  const fhir = 'application/fhir+json; charset=utf-8'
  const plain = 'application/json; charset=utf-8'
  const served: [query: string, accept: string | undefined, type: string][] = [
    ['', undefined, fhir],
    ['', '*/*', fhir],
    ['', 'application/*;q=0.5', fhir],
    ['', 'application/json', plain],
    ['', 'application/json;q=0.9, application/fhir+json;q=0.2', plain],
    ['', 'text/html, application/xhtml+xml, */*;q=0.1', fhir],
    ['', 'application/fhir+json; fhirVersion=4.0', fhir],
    ['', 'application/fhir+json;q=0, */*;q=0.1', plain],
    ['?_format=json', 'text/html', fhir],
    ['?_format=application/fhir%2Bjson', undefined, fhir],
    ['?_format=application/fhir+json', undefined, fhir],
    ['?_format=text/json', undefined, plain]
  ]
  for (const [query, accept, type] of served) {
    const answer = await get(query, accept)
    t.match(answer, { statusCode: 200, headers: { 'content-type': type } }, `${query} ${accept}`)
  }
  const refused: [query: string, accept: string | undefined][] = [
    ['', 'text/html'],
    ['', 'application/fhir+xml'],
    ['', 'application/fhir+json;q=0'],
    ['', 'application/fhir+json; fhirVersion=5.0'],
    ['', 'application/fhir+json;q=banana'],
    ['?_format=banana', undefined],
    ['?_format=xml', 'application/fhir+json']
  ]
  for (const [query, accept] of refused)
    t.same(outcomeOf(t, await get(query, accept), 406).rules, ['not-acceptable'], `${query} ${accept}`)

  t.same(outcomeOf(t, await get('?_pretty=maybe'), 400).rules, ['pretty-value'])
  t.equal(
    (await get('?_pretty=true')).body,
    `{
  "resourceType": "Immunization",
  "doseQuantity": {
    "value": 0.50
  },
  "note": [],
  "x": {
    "y": [
      1,
      {
        "z": "a\\"{b"
      }
    ]
  }
}
`
  )
})

t.test('an update names the version it changes, in If-Match or E-Tag', async (t) => {
  const { ingest, submissions } = giveVerdict({ ...CREATED, status: 200 })
  const door = await openDoor(t, { ingest })
  const put = async (headers: Record<string, string>, payload = `{"id":"${RECORD_ID}"}`, id = RECORD_ID) =>
    door.server.inject({
      method: 'PUT',
      url: `${URL}/${id}`,
      headers: { authorization: await door.bearer(), ...JSON_HEADERS, ...headers },
      payload
    })
  for (const headers of [
    { 'if-match': 'W/"3"' },
    { 'if-match': '"3"' },
    { 'e-tag': '3' },
    { 'if-match': 'W/"3"', 'e-tag': '3' },
    { 'if-match': 'W/"2", "3"' },
    { 'if-match': '*' }
  ])
    t.equal((await put(headers as Record<string, string>)).statusCode, 200)
  t.same(
    submissions.map((submission) => submission.kind === 'update' && submission.ifMatch),
    [[3], [3], [3], [3], [2, 3], '*']
  )

  t.same(outcomeOf(t, await put({}), 400).rules, ['version-missing'])
  t.same(outcomeOf(t, await put({ 'if-match': 'W/"3"', 'e-tag': '4' }), 400).rules, ['version-headers-disagree'])
  for (const value of ['3', 'abc', 'W/"0"', '', '"3",', '*, "3"', 'w/"3"', 'W/"2", W/3', 'W/"9999999999"'])
    t.same(outcomeOf(t, await put({ 'if-match': value }), 400).rules, ['version-header'], value)
  t.same(outcomeOf(t, await put({ 'if-match': 'W/"3"' }, '{}'), 400).rules, ['update-id'])
  t.same(outcomeOf(t, await put({ 'if-match': 'W/"3"' }, '{"id":"other"}'), 400).rules, ['update-id'])
  t.same(outcomeOf(t, await put({ 'if-match': 'W/"3"' }, '{}', 'no-id-of-ours'), 404).rules, ['unknown-record'])
  t.equal(submissions.length, 6)
})

t.test('a delete is answered without a body', async (t) => {
  const { ingest, submissions } = giveVerdict({
    status: 204,
    issues: [],
    record: { recordId: RECORD_ID, version: 4, lastUpdated: NOW }
  })
  const door = await openDoor(t, { ingest })
  const answer = await door.server.inject({
    method: 'DELETE',
    url: `${URL}/${RECORD_ID}`,
    headers: { authorization: await door.bearer(), 'if-match': 'W/"3"' }
  })
  t.match(answer, { statusCode: 204, body: '', headers: { etag: 'W/"4"' } })
  t.notOk(answer.headers['location'])
  t.match(submissions, [{ kind: 'delete', recordId: RECORD_ID, ifMatch: [3] }])
})

t.test('a read that would repeat what the reader has is 304', async (t) => {
  const read = { recordId: RECORD_ID, version: 3, lastUpdated: new Date('2026-11-01T10:00:00.900Z'), body: BODY }
  const door = await openDoor(t, { history: historyOf({ read: () => Promise.resolve(read) }) })
  const authorization = await door.bearer()
  const get = async (headers: Record<string, string>) =>
    (await door.server.inject({ url: `${URL}/${RECORD_ID}`, headers: { authorization, ...headers } })).statusCode
  t.equal(await get({ 'if-none-match': 'W/"3"' }), 304)
  t.equal(await get({ 'if-none-match': '"2", "3"' }), 304)
  t.equal(await get({ 'if-none-match': '*' }), 304)
  t.equal(await get({ 'if-none-match': 'W/"2"' }), 200)
  t.equal(await get({ 'if-modified-since': 'Sun, 01 Nov 2026 10:00:00 GMT' }), 304)
  t.equal(await get({ 'if-modified-since': 'Sun, 01 Nov 2026 09:59:59 GMT' }), 200)
  t.equal(await get({ 'if-none-match': 'W/"2"', 'if-modified-since': 'Sun, 01 Nov 2026 10:00:00 GMT' }), 200)
})

t.test('POST _search takes its parameters from form and URL together', async (t) => {
  const asked: unknown[] = []
  const search: History['search'] = (_caller, parameters, options) => {
    asked.push({ parameters, options })
    return Promise.resolve('{"resourceType":"Bundle"}')
  }
  const door = await openDoor(t, { history: historyOf({ search }) })
  const authorization = await door.bearer()
  const send = (url: string, payload: string | Buffer, type = 'application/x-www-form-urlencoded') =>
    door.server.inject({
      method: 'POST',
      url: `${URL}/_search${url}`,
      headers: { authorization, 'content-type': type, prefer: 'handling=lenient' },
      payload
    })

  t.equal((await send('?_count=5', 'identifier=a%7Cb+c&_format=json&date=ge2026%2D01')).statusCode, 200)
  t.same(asked, [
    {
      parameters: [
        { name: '_count', value: '5' },
        { name: 'identifier', value: 'a|b c' },
        { name: 'date', value: 'ge2026-01' }
      ],
      options: { base: 'https://hub.test/FHIR/R4', lenient: true }
    }
  ])
  t.same(outcomeOf(t, await send('', '{}', 'application/json'), 415).rules, ['media-type'])
  t.same(outcomeOf(t, await send('', 'identifier=%zz'), 400).rules, ['parameter-encoding'])
  t.same(outcomeOf(t, await send('', 'identifier=%00'), 400).rules, ['parameter-encoding'])
  t.same(outcomeOf(t, await send('', Buffer.from([0x61, 0x3d, 0xff])), 400).rules, ['parameter-encoding'])
})

t.test('a read takes the parameters of its elements and the general ones, and no others', async (t) => {
  const read = { recordId: RECORD_ID, version: 1, lastUpdated: NOW, body: BODY }
  const door = await openDoor(t, { history: historyOf({ read: () => Promise.resolve(read) }) })
  const authorization = await door.bearer()
  const url = `${URL}/${RECORD_ID}?status=completed`
  t.same(outcomeOf(t, await door.server.inject({ url, headers: { authorization } }), 400).rules, ['parameter-unknown'])
  const lenient = await door.server.inject({ url, headers: { authorization, prefer: 'handling=lenient' } })
  t.equal(lenient.statusCode, 200)
})

t.test('what is not there is 404, a method that is not there 405 with those that are', async (t) => {
  const door = await openDoor(t)
  const authorization = await door.bearer()
  const ask = (method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH' | 'OPTIONS', url: string) =>
    door.server.inject({ method, url, headers: { authorization } })
  for (const url of [
    '/',
    '/FHIR/R4/immunization',
    '/FHIR/R4/Patient/1',
    '/FHIR/R4/Immunization/1/foo',
    '/FHIR/R4//Immunization',
    '/FHIR/R4/Immunization/%2e%2e%2fmetadata/x'
  ])
    t.same(outcomeOf(t, await ask('GET', url), 404).rules, ['unknown-url'], url)

  const wrongMethods: [method: 'GET' | 'PUT' | 'DELETE' | 'PATCH' | 'POST', url: string, allow: string][] = [
    ['DELETE', URL, 'GET, HEAD, POST, PUT, PATCH, OPTIONS'],
    ['POST', `${URL}/${RECORD_ID}`, 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS'],
    ['DELETE', '/FHIR/R4/metadata', 'GET, HEAD, OPTIONS'],
    ['DELETE', `${URL}/_search`, 'POST, OPTIONS'],
    ['GET', `${URL}/$validate`, 'POST, OPTIONS']
  ]
  for (const [method, url, allow] of wrongMethods) {
    const answer = await ask(method, url)
    t.same(outcomeOf(t, answer, 405).rules, ['method-not-allowed'], url)
    t.equal(answer.headers['allow'], allow)
    const options = await door.server.inject({ method: 'OPTIONS', url })
    t.match(options, { statusCode: 204, body: '', headers: { allow } }, `OPTIONS ${url}`)
  }
  // Served with criteria only.
  for (const method of ['PUT', 'PATCH'] as const) {
    const answer = await ask(method, URL)
    t.same(outcomeOf(t, answer, 405).rules, ['method-not-allowed'], method)
    t.equal(answer.headers['allow'], 'GET, HEAD, POST')
  }
})

t.test('broken URLs are refused, and the answer does not repeat them', async (t) => {
  const door = await openDoor(t)
  const authorization = await door.bearer()
  const get = (url: string) => door.server.inject({ url, headers: { authorization } })
  const broken = await get(`${URL}/%E0%A4%A`)
  t.same(outcomeOf(t, broken, 400).rules, ['request-malformed'])
  t.notMatch(broken.body, /%E0/)
  const long = await get(`${URL}/${'a'.repeat(200)}`)
  t.same(outcomeOf(t, long, 414).rules, ['url-too-long'])
  t.ok(long.headers['x-request-id'])
  t.match(door.lines, [
    { message: 'http.answered', fields: { status: 400, rules: ['request-malformed'] } },
    { message: 'http.answered', fields: { status: 414, rules: ['url-too-long'] } }
  ])
})

t.test('request ids that could not stand in a log are replaced', async (t) => {
  const door = await openDoor(t)
  for (const id of ['', 'a b', 'x'.repeat(129), '"}', 'é']) {
    const { headers } = await door.server.inject({
      url: '/health/live',
      headers: { 'x-request-id': id, 'x-correlation-id': id }
    })
    t.match(headers['x-request-id'], /^[0-9a-f-]{36}$/, id)
    t.notOk(headers['x-correlation-id'])
  }
})

t.test('a fault of ours is a 500 with an id and nothing else; the log has the id and no values', async (t) => {
  const search = () => Promise.reject(new Error('relation "secret_9990000018" has no column 9990000018'))
  const door = await openDoor(t, { history: historyOf({ search }) })
  const answer = await door.server.inject({
    url: `${URL}?patient.identifier=https://fhir.nhs.uk/Id/nhs-number|9990000018`,
    headers: { authorization: await door.bearer() }
  })
  const { rules, texts } = outcomeOf(t, answer, 500)
  t.same(rules, ['internal-error'])
  t.notMatch(answer.body, /secret|column|server\.test/)
  const errorId = /error id ([0-9a-f-]{36})/.exec(texts)?.[1]
  const [failed, answered] = door.lines
  t.match(failed, { level: 'error', message: 'http.failed', fields: { error_id: errorId, error_name: 'Error' } })
  t.match(answered, { level: 'info', message: 'http.answered', fields: { status: 500, error_id: errorId } })
  t.notMatch(JSON.stringify(door.lines), /9990000018|secret/)
})

t.test('a request leaves one line, with the pattern of its route and no NHS number', async (t) => {
  const door = await openDoor(t, { history: historyOf({ search: () => Promise.resolve('{}') }) })
  await door.server.inject({
    url: `${URL}?patient.identifier=https://fhir.nhs.uk/Id/nhs-number|9990000018`,
    headers: { authorization: await door.bearer(), 'x-request-id': 'r-1' }
  })
  await door.server.inject({ url: '/FHIR/R4/Patient/9990000018' })
  t.match(door.lines, [
    {
      message: 'http.answered',
      fields: {
        method: 'GET',
        route: URL,
        status: 200,
        client: 'sandwell-pharmacy',
        request_id: 'r-1',
        duration_ms: Number
      }
    },
    { message: 'http.answered', fields: { route: 'unmatched', status: 404 } }
  ])
  t.equal(door.lines.length, 2)
  t.notMatch(JSON.stringify(door.lines), /9990000018/)
})

t.test('a caller who goes away leaves a line too, before the body has come or before the answer', async (t) => {
  const { ingest, submissions } = giveVerdict(CREATED)
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  const door = await openDoor(t, {
    ingest: {
      ...ingest,
      accept: async (given) => ingest.accept(given).then(async (verdicts) => held.then(() => verdicts))
    }
  })
  const port = Number(new globalThis.URL(await door.server.listen({ host: '127.0.0.1', port: 0 })).port)
  const head = `POST ${URL} HTTP/1.1\r\nHost: a\r\nAuthorization: ${await door.bearer()}\r\nContent-Type: application/fhir+json\r\n`

  const cutOff = connect(port, '127.0.0.1', () =>
    cutOff.write(`${head}Content-Length: 100\r\n\r\n{`, () => cutOff.destroy())
  )
  await waitFor(() => door.lines.length === 1, 'the first line')
  const gone = connect(port, '127.0.0.1', () => gone.write(`${head}Content-Length: 2\r\n\r\n{}`))
  await waitFor(() => submissions.length === 1, 'the submission')
  gone.destroy()
  await waitFor(() => door.lines.length === 2, 'the second line')
  release()

  t.match(door.lines, [
    { message: 'http.answered', fields: { route: URL, status: 499 } },
    { message: 'http.answered', fields: { route: URL, status: 499, client: 'sandwell-pharmacy' } }
  ])
})

t.test('an error that knows its status keeps it, with its headers', async (t) => {
  const fault = {
    severity: 'error',
    code: 'transient',
    layer: 'service',
    rule: 'database-unavailable',
    text: 'later'
  } as const
  const search = () => Promise.reject(new FhirError(503, [fault], { 'Retry-After': '5' }))
  const door = await openDoor(t, { history: historyOf({ search }) })
  const answer = await door.server.inject({ url: `${URL}?_id=1`, headers: { authorization: await door.bearer() } })
  t.same(outcomeOf(t, answer, 503).rules, ['database-unavailable'])
  t.equal(answer.headers['retry-after'], '5')
})

t.test('health says what is wrong and needs no token', async (t) => {
  let ready = true
  const door = await openDoor(t, {
    health: () => Promise.resolve({ ready, checks: [{ name: 'database', ok: ready, detail: 'answers in 1 ms' }] })
  })
  t.same((await door.server.inject('/health/live')).json(), { status: 'live' })
  const good = await door.server.inject('/health/ready')
  t.match(good, { statusCode: 200 })
  t.same(good.json(), { status: 'ready', checks: [{ name: 'database', ok: true, detail: 'answers in 1 ms' }] })
  ready = false
  t.match(await door.server.inject('/health/ready'), { statusCode: 503 })
})

t.test('/metadata says what the routes and the table of search parameters are', async (t) => {
  const door = await openDoor(t, {
    capability: { ...CAPABILITY, experimental: false, profiles: ['https://profile.test/p'] }
  })
  const answer = await door.server.inject('/FHIR/R4/metadata')
  t.equal(answer.statusCode, 200)
  const statement = answer.json<Record<string, unknown>>()
  t.match(statement, {
    resourceType: 'CapabilityStatement',
    status: 'active',
    kind: 'instance',
    fhirVersion: '4.0.1',
    date: '2026-11-02T09:00:00.000Z',
    experimental: false,
    format: ['application/fhir+json', 'application/json'],
    implementation: { url: 'https://hub.test/FHIR/R4' },
    rest: [{ mode: 'server', resource: [{ type: 'Immunization', supportedProfile: ['https://profile.test/p'] }] }]
  })
  const [rest] = statement['rest'] as {
    resource: { interaction: { code: string }[]; searchParam: { name: string }[] }[]
  }[]
  t.same(rest?.resource[0]?.interaction.map(({ code }) => code).sort(), [
    'create',
    'delete',
    'history-instance',
    'history-type',
    'patch',
    'read',
    'search-type',
    'update',
    'vread'
  ])
  t.same(
    rest?.resource[0]?.searchParam.map(({ name }) => name),
    [...SEARCH_PARAMETERS.map(({ name }) => name), '-hub.alternates']
  )
  const again = await door.server.inject({
    url: '/FHIR/R4/metadata',
    headers: { 'if-none-match': String(answer.headers['etag']) }
  })
  t.match(again, { statusCode: 304, body: '' })
})

t.test('HEAD answers as GET does, without the body', async (t) => {
  const door = await openDoor(t)
  const get = await door.server.inject('/FHIR/R4/metadata')
  const head = await door.server.inject({ method: 'HEAD', url: '/FHIR/R4/metadata' })
  t.match(head, { statusCode: 200, body: '' })
  t.equal(head.headers['content-length'], String(Buffer.byteLength(get.body)))
})

t.test('a route that does not say who may use it keeps the service from starting', async (t) => {
  await t.rejects(
    openDoor(t, { opsRoutes: (app) => void app.get('/debug', () => 'open') }),
    /\/debug does not say who may use it/
  )
})

t.test('an operations route wants its scope, and reads JSON as strictly', async (t) => {
  const door = await openDoor(t, {
    opsRoutes(app) {
      app.get('/ops/things', () => ({ things: [] }))
      app.post('/ops/things', (request) => ({ got: request.body }))
    }
  })
  const supplier = await door.bearer()
  const reader = await door.bearer({ client: 'ops-anna', scopes: ['ops/read'] })
  const writer = await door.bearer({ client: 'ops-anna', scopes: ['ops/read', 'ops/write'] })
  const get = (authorization?: string) =>
    door.server.inject({ url: '/ops/things', headers: authorization === undefined ? {} : { authorization } })
  const send = (authorization: string, payload: string, type = 'application/json') =>
    door.server.inject({
      method: 'POST',
      url: '/ops/things',
      headers: { authorization, 'content-type': type },
      payload
    })

  t.same(outcomeOf(t, await get(), 401).rules, ['token-missing'])
  t.same(outcomeOf(t, await get(supplier), 403).rules, ['scope-missing'])
  t.same((await get(reader)).json(), { things: [] })
  t.same(outcomeOf(t, await send(reader, '{}'), 403).rules, ['scope-missing'])
  t.same((await send(writer, '{"a":[1]}')).json(), { got: { a: [1] } })
  t.same(outcomeOf(t, await send(writer, '{"a":1,"a":2}'), 400).rules, ['json-duplicate-key'])
  t.same(outcomeOf(t, await send(writer, 'a=1', 'application/x-www-form-urlencoded'), 415).rules, ['media-type'])
})

t.test('over a socket: what is not HTTP, or too long, gets a FHIR answer', async (t) => {
  const door = await openDoor(t)
  const url = await door.server.listen({ host: '127.0.0.1', port: 0 })
  const port = Number(new globalThis.URL(url).port)
  const talk = (text: string) =>
    new Promise<string>((resolve, reject) => {
      let heard = ''
      const socket = connect(port, '127.0.0.1', () => socket.write(text))
      socket.on('data', (chunk) => (heard += chunk.toString()))
      socket.on('close', () => {
        resolve(heard)
      })
      socket.on('error', reject)
    })
  t.match(await talk('BANANA\r\n\r\n'), /^HTTP\/1\.1 400 [^]*"OperationOutcome"/)
  t.match(
    await talk(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`),
    /^HTTP\/1\.1 431 [^]*"OperationOutcome"/
  )
  t.match(
    await talk('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    /^HTTP\/1\.1 400 [^]*"OperationOutcome"/
  )
  const authorization = await door.bearer()
  const chunk = `${(65536).toString(16)}\r\n${'x'.repeat(65536)}\r\n`
  const endless =
    `POST ${URL} HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\nContent-Type: application/fhir+json\r\n` +
    `Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(17)}`
  t.match(await talk(endless), /^HTTP\/1\.1 413 [^]*"OperationOutcome"/)
})

t.test('a port that is taken is a refusal to listen', async (t) => {
  const first = await openDoor(t)
  const port = Number(new globalThis.URL(await first.server.listen({ host: '127.0.0.1', port: 0 })).port)
  const second = await openDoor(t)
  await t.rejects(second.server.listen({ host: '127.0.0.1', port }), { code: 'EADDRINUSE' })
})

t.test('a stop answers the requests in flight first', async (t) => {
  let answerNow: () => void = () => undefined
  let hasBegun: () => void = () => undefined
  const begun = new Promise<void>((resolve) => (hasBegun = resolve))
  const search = () =>
    new Promise<string>((resolve) => {
      answerNow = () => {
        resolve('{"resourceType":"Bundle"}')
      }
      hasBegun()
    })
  const door = await openDoor(t, { history: historyOf({ search }) })
  const url = await door.server.listen({ host: '127.0.0.1', port: 0 })
  const asked = fetch(`${url}${URL}?_id=1`, { headers: { authorization: await door.bearer() } })
  await begun
  const closed = door.server.close()
  answerNow()
  const answer = await asked
  t.equal(answer.status, 200)
  await answer.text()
  await closed
})
