import type { AuditEvent, Linkage, Provenance, Task } from 'fhir/r4.js'
import t from 'tap'
import { NHS_NUMBER_SYSTEM } from '../../src/fhir/identifier-systems.js'
import { fluByPharmacy } from '../support/ingest-rig.js'
import { bundleOf, idsOf, matchesOf, openServedHub, postDoubtfulPair, postLinkedPair, rulesOf } from './served-calls.js'

const UNKNOWN = '019a3f00-0000-7000-8000-00000000dead'
const NHS_NUMBER = '9990013675'

t.test('records of one jab are a Linkage: the one that counts is its source', async (t) => {
  const hub = await openServedHub(t)
  const { first, second } = await postLinkedPair(hub)
  await hub.post(fluByPharmacy({ nhsNumber: '9990016410' }))

  const found = await hub.get(`/Linkage?item=Immunization/${second}`)
  const [linkage] = matchesOf(found) as Linkage[]

  t.match(bundleOf(found), { type: 'searchset', total: 1, link: [{ relation: 'self' }] })
  t.match(linkage, {
    resourceType: 'Linkage',
    active: true,
    author: { display: 'Immunisation Hub' },
    item: [
      { type: 'source', resource: { reference: `Immunization/${first}` } },
      { type: 'historical', resource: { reference: `Immunization/${second}` } }
    ]
  })
  const read = await hub.get(`/Linkage/${linkage?.id ?? ''}`)
  t.same(read.resource, linkage)
  t.equal(read.headers['etag'], `W/"${linkage?.meta?.versionId ?? ''}"`)
  t.ok(read.headers['last-modified'])
  const again = await hub.get(`/Linkage/${linkage?.id ?? ''}`, {}, { 'if-none-match': String(read.headers['etag']) })
  t.match(again, { status: 304, text: '' })

  const id = linkage?.id ?? ''
  for (const query of [
    `source=${first}`,
    `source=https://hub.test/FHIR/R4/Immunization/${first}`,
    `_id=${id},${UNKNOWN}`,
    `patient.identifier=${NHS_NUMBER_SYSTEM}|${NHS_NUMBER}`,
    `item=${UNKNOWN},${first}&_lastUpdated=ge2020`,
    `_id=${id}&_lastUpdated=ge2020&_sort=_lastUpdated&_total=none`
  ])
    t.same(idsOf(await hub.get(`/Linkage?${query}`)), [id], query)
  for (const query of [`source=${second}`, `_id=${UNKNOWN}`, `_id=none`, `item=other`, `_id=${id}&_lastUpdated=lt2020`])
    t.same(idsOf(await hub.get(`/Linkage?${query}`)), [], query)
  t.same(hub.faults, [])
})

t.test('a Linkage shows nobody a record they may not read, not even that it is there', async (t) => {
  const hub = await openServedHub(t)
  const { first, second } = await postLinkedPair(hub)
  const [id = ''] = idsOf(await hub.get(`/Linkage?item=${first}`))
  // As in a group of a combination and its component: two vaccine types.
  await hub.pool.query(`update record set vaccine_type = 'COVID' where record_id = $1`, [second])
  const onlyFlu = { client: 'flu-reader', permissions: ['FLU.RS'] }

  t.equal((await hub.get(`/Linkage/${id}`)).status, 200, 'who may read both sees it')
  const hidden = await hub.get(`/Linkage/${id}`, onlyFlu)
  const missing = await hub.get(`/Linkage/${UNKNOWN}`, onlyFlu)
  t.equal(hidden.status, 404)
  t.equal(hidden.text, missing.text, 'hidden and missing are told in the same words')
  for (const item of [first, second]) t.same(idsOf(await hub.get(`/Linkage?item=${item}`, onlyFlu)), [], item)
  t.same(idsOf(await hub.get(`/Linkage?_id=${id}`, onlyFlu)), [])

  t.equal((await hub.get(`/Linkage?_id=${id}`, { permissions: ['FLU.R'] })).status, 403, 'searching is a permission')
  t.same(rulesOf(await hub.get(`/Linkage/${id}`, { scopes: ['system/Immunization.cruds'] })), ['scope-missing'])
})

t.test('a regrouping changes the version of a Linkage, and one that falls apart is gone', async (t) => {
  const hub = await openServedHub(t)
  const { first, second } = await postLinkedPair(hub)
  const [before] = matchesOf(await hub.get(`/Linkage?item=${first}`)) as Linkage[]

  await hub.ask('DELETE', `/Immunization/${second}`, { client: 'gp-system' })

  t.equal((await hub.get(`/Linkage/${before?.id ?? ''}`)).status, 404)
  t.same(idsOf(await hub.get(`/Linkage?item=${first}`)), [])
})

t.test('a possible duplicate is a Task for staff, with the points that speak for it', async (t) => {
  const hub = await openServedHub(t)
  const [first, second] = await postDoubtfulPair(hub)

  const found = await hub.get('/Task?status=requested')
  const [task] = matchesOf(found) as Task[]

  t.match(task, {
    resourceType: 'Task',
    status: 'requested',
    intent: 'order',
    code: { coding: [{ code: 'review-possible-duplicate' }] },
    focus: { reference: `Immunization/${second}` },
    reasonCode: { text: /^rules=dedup-[\d.]+; rule=score; score=\d+; .*date\+40/ },
    input: [
      { valueReference: { reference: `Immunization/${first}` } },
      { valueReference: { reference: `Immunization/${second}` } }
    ]
  })
  t.equal(task?.authoredOn, task?.lastModified)
  t.notOk(task?.output)
  const id = task?.id ?? ''
  t.same((await hub.get(`/Task/${id}`)).resource, task)
  for (const query of [
    `focus=Immunization/${first}`,
    `focus=${second}`,
    `_id=${id}`,
    `patient.identifier=${NHS_NUMBER_SYSTEM}|${NHS_NUMBER}`,
    `authored-on=ge2026-01-01&_lastUpdated=ge2026-01-01`,
    'status=http://hl7.org/fhir/task-status|requested,completed'
  ])
    t.same(idsOf(await hub.get(`/Task?${query}`)), [id], query)
  for (const query of ['status=completed', `focus=${UNKNOWN}`, 'authored-on=lt2020'])
    t.same(idsOf(await hub.get(`/Task?${query}`)), [], query)
})

t.test('a client sees the Tasks of its own records, and the other side only within its organisation', async (t) => {
  const hub = await openServedHub(t)
  const [first, second] = await postDoubtfulPair(hub)
  const supplier = { client: 'pharmacy', scopes: ['system/Task.rs'] }

  const [mine] = matchesOf(await hub.get('/Task', supplier)) as Task[]
  t.equal(mine?.focus?.reference, `Immunization/${first}`, 'its own record')
  t.notMatch(JSON.stringify(mine), second, 'the other one is not named')
  t.notOk(mine?.for ?? mine?.owner)
  t.equal((await hub.get(`/Task/${mine?.id ?? ''}`, supplier)).status, 200)
  t.same(idsOf(await hub.get(`/Task?focus=${second}`, supplier)), [], 'nor can it be guessed')
  t.same(idsOf(await hub.get('/Task', { ...supplier, client: 'school' })), [], 'others see nothing')
  t.equal((await hub.get(`/Task/${mine?.id ?? ''}`, { ...supplier, client: 'school' })).status, 404)
  t.same(idsOf(await hub.get('/Task', { ...supplier, permissions: ['COVID.RS'] })), [], 'nor without the vaccine type')

  const one = await openServedHub(t)
  const [here, there] = await postDoubtfulPair(one, 'FZZ01')
  await one.pool.query(`update pair_decision set outcome = 'possible'`)
  const [both] = matchesOf(await one.get('/Task', supplier)) as Task[]
  t.same(
    both?.input?.map(({ valueReference }) => valueReference?.reference),
    [`Immunization/${here}`, `Immunization/${there}`]
  )
})

t.test('a decision completes a Task, and judging again keeps its id and the day it was raised', async (t) => {
  const hub = await openServedHub(t)
  const [first] = await postDoubtfulPair(hub)
  const [before] = matchesOf(await hub.get('/Task')) as Task[]
  const record = await hub.get(`/Immunization/${first}`)
  const corrected = await hub.server.inject({
    method: 'PUT',
    url: `/FHIR/R4/Immunization/${first}`,
    headers: {
      authorization: await hub.bearer({ client: 'pharmacy', permissions: ['*.CRUDS'] }),
      'content-type': 'application/fhir+json',
      'if-match': 'W/"1"'
    },
    payload: JSON.stringify({ ...record.resource, recorded: '2026-10-11T09:00:00+01:00' })
  })
  t.equal(corrected.statusCode, 200, corrected.body)
  t.same(matchesOf(await hub.get('/Task')), [before], 'judged again with the same verdict: the same Task')

  await hub.pool.query(
    `update pair_decision
        set outcome = 'distinct', decided_by = 'dr-adeyemi', decided_at = $1, revision = revision + 1`,
    [new Date('2026-11-03T10:00:00Z')]
  )
  const [after] = matchesOf(await hub.get('/Task?status=completed')) as Task[]
  t.match(after, {
    id: before?.id,
    status: 'completed',
    authoredOn: before?.authoredOn,
    lastModified: '2026-11-03T10:00:00.000Z',
    owner: { identifier: { value: 'dr-adeyemi' } },
    output: [{ valueCode: 'distinct' }]
  })
  t.same(idsOf(await hub.get('/Task?status=requested')), [])
  const [theirs] = matchesOf(await hub.get('/Task', { client: 'pharmacy', scopes: ['system/Task.s'] })) as Task[]
  t.notMatch(JSON.stringify(theirs), 'dr-adeyemi', 'a supplier is not told who decided')
})

t.test('a record of the wrong patient keeps its Task in progress until it has left', async (t) => {
  const hub = await openServedHub(t)
  const [, second] = await postDoubtfulPair(hub)
  await hub.pool.query(`update pair_decision set outcome = 'distinct', decided_by = 'dr-adeyemi'`)
  await hub.pool.query(
    `insert into review_decision (
       task_id, decision_id, record_a, record_b, choice, reason, decided_by, decided_at, rules_version, compared_a, compared_b
     )
     select task_id, gen_random_uuid(), record_a, record_b, 'wrong-patient', 'a namesake', decided_by, now(), rules_version,
            '{}', '{}'
       from pair_decision`
  )
  const [task] = matchesOf(await hub.get('/Task?status=in-progress')) as Task[]
  t.match(task, {
    status: 'in-progress',
    businessStatus: { text: /another person/ },
    output: [{ valueCode: 'wrong-patient' }]
  })
  t.notMatch(JSON.stringify(task), 'namesake')

  await hub.ask('DELETE', `/Immunization/${second}`, { client: 'other-pharmacy' })

  t.same(idsOf(await hub.get('/Task?status=in-progress')), [])
  t.same(idsOf(await hub.get('/Task?status=completed')), [task?.id])
})

t.test('every version has a Provenance: who sent it, when, and by which request', async (t) => {
  const hub = await openServedHub(t)
  const { first } = await postLinkedPair(hub)
  await hub.ask('DELETE', `/Immunization/${first}`, { client: 'pharmacy' })

  const found = matchesOf(await hub.get(`/Provenance?target=Immunization/${first}`)) as Provenance[]

  t.same(found.map(({ id }) => id).sort(), [`${first}-1`, `${first}-2`])
  const created = found.find(({ id }) => id === `${first}-1`)
  t.match(created, {
    target: [{ reference: `Immunization/${first}/_history/1` }],
    recorded: '2026-11-02T09:00:00.000Z',
    activity: { coding: [{ code: 'CREATE' }, { code: 'create' }] },
    agent: [{ who: { identifier: { value: 'pharmacy' } } }],
    entity: [{ role: 'source', what: { identifier: { value: /^[0-9a-f-]{36}$/ } } }]
  })
  t.match(
    found.find(({ id }) => id === `${first}-2`),
    { activity: { coding: [{ code: 'DELETE' }, { code: 'delete' }] } }
  )
  t.same((await hub.get(`/Provenance/${first}-1`)).resource, created)
  for (const query of [
    `target=Immunization/${first}/_history/1`,
    `_id=${first}-1,${UNKNOWN}-1`,
    `_id=${first}-1&recorded=2026-11-02&_lastUpdated=2026-11-02T09:00:00Z`
  ])
    t.same(idsOf(await hub.get(`/Provenance?${query}`)), [`${first}-1`], query)
  t.same(idsOf(await hub.get(`/Provenance?target=${first}&recorded=lt2026-11-02`)), [])
  t.equal((await hub.get(`/Provenance/${first}-3`)).status, 404)
  t.equal((await hub.get(`/Provenance/${first}-1`, { permissions: ['COVID.RS'] })).status, 404)
  t.same(idsOf(await hub.get(`/Provenance?target=${first}`, { permissions: ['COVID.RS'] })), [])
})

t.test('the audit trail is for staff: writes and reads, with a key of the Hub instead of an NHS number', async (t) => {
  const hub = await openServedHub(t)
  const { first } = await postLinkedPair(hub)
  const reader = { client: 'ward', permissions: ['FLU.RS'] }
  await hub.get(`/Immunization/${first}`, reader)
  await hub.get(`/Immunization?patient.identifier=${NHS_NUMBER_SYSTEM}|${NHS_NUMBER}`, reader)
  await hub.get(`/Immunization?patient.identifier=${NHS_NUMBER_SYSTEM}|9990016410`, reader)
  await hub.get(`/Linkage?item=${first}`, reader)
  await hub.flushReads()

  const all = await hub.get('/AuditEvent')
  t.notMatch(all.text, NHS_NUMBER)
  const seen = await hub.get('/AuditEvent?agent=ward&_sort=_lastUpdated')
  const events = matchesOf(seen) as AuditEvent[]
  t.same(
    events.map(({ action, subtype }) => [action, subtype?.[1]?.code]).sort(),
    [
      ['E', 'read.immunization.search-type'],
      ['E', 'read.immunization.search-type'],
      ['E', 'read.linkage.search-type'],
      ['R', 'read.immunization.read']
    ],
    'each with its interaction'
  )
  const read = events.find(({ action }) => action === 'R')
  t.match(read, {
    type: { code: 'rest' },
    subtype: [{ code: 'read' }],
    outcome: '0',
    agent: [{ who: { identifier: { value: 'ward' } }, requestor: true }],
    source: { site: 'test' },
    entity: [{ what: { reference: `Immunization/${first}/_history/1` } }, { what: { type: 'Patient' } }]
  })
  const patientKey = read?.entity?.[1]?.what?.identifier?.value
  const searched = events.filter(({ subtype }) => subtype?.[1]?.code === 'read.immunization.search-type')
  t.ok(
    searched.some(({ entity }) => entity?.[0]?.what?.identifier?.value === patientKey),
    'whose history it was'
  )
  t.ok(
    searched.some(({ entity }) => entity?.[0]?.what === undefined),
    'a patient nobody has reported has no key'
  )

  const one = read?.id ?? ''
  t.same((await hub.get(`/AuditEvent/${one}`)).resource, read)
  for (const query of [
    `_id=${one}`,
    `agent:identifier=https://immunisation-hub.example/Id/client|ward&action=R`,
    `entity=Immunization/${first}/_history/1&action=R`,
    `entity=Immunization/${first}&agent=ward`,
    `subtype=read&agent=ward`,
    `subtype=read.immunization.read`,
    `patient.identifier=${NHS_NUMBER_SYSTEM}|${NHS_NUMBER}&agent=ward&action=R`,
    `date=2026-11-02&action=R&_lastUpdated=2026-11-02`
  ])
    t.same(idsOf(await hub.get(`/AuditEvent?${query}`)), [one], query)
  t.same(matchesOf(await hub.get('/AuditEvent?subtype=create&action=C')).length, 2)
  t.same(idsOf(await hub.get('/AuditEvent?date=lt2020')), [])

  const supplier = { client: 'ward', scopes: ['system/*.cruds'] }
  for (const path of ['/AuditEvent', `/AuditEvent/${one}`]) {
    const refused = await hub.get(path, supplier)
    t.same([refused.status, ...rulesOf(refused)], [403, 'scope-missing'], path)
  }
})

t.test('pages are stable while others write, signed, and hold no NHS number', async (t) => {
  const hub = await openServedHub(t)
  for (let index = 0; index < 5; index++) await hub.post(fluByPharmacy({ value: `page-${index}` }), 'pharmacy')
  const tasks = idsOf(await hub.get('/Task?_count=200'))
  t.ok(tasks.length >= 5, `${tasks.length} reviews of one patient`)

  const pages: string[] = []
  let url: string | undefined =
    `/Task?patient.identifier=${encodeURIComponent(`${NHS_NUMBER_SYSTEM}|${NHS_NUMBER}`)}&_count=2`
  for (let page = 0; url !== undefined && page < 30; page++) {
    const found = await hub.get(url)
    t.equal(found.status, 200, found.text)
    pages.push(...idsOf(found))
    if (page === 0) {
      t.equal(bundleOf(found).total, tasks.length)
      await postDoubtfulPair(hub)
    }
    url = bundleOf(found).link?.find(({ relation }) => relation === 'next')?.url
    t.notMatch(url ?? '', NHS_NUMBER)
    t.notMatch(Buffer.from(url?.split('_cursor=')[1]?.split('.')[0] ?? '', 'base64url').toString(), NHS_NUMBER)
  }
  t.same(new Set(pages).size, pages.length, 'none twice')
  t.same(
    tasks.filter((id) => !pages.includes(id)),
    [],
    'none left out'
  )

  const first = await hub.get('/Task?_count=1')
  const next = bundleOf(first).link?.find(({ relation }) => relation === 'next')?.url ?? ''
  t.equal((await hub.get(next, { client: 'other' })).status, 404, "another client's link")
  t.equal((await hub.get(`${next}x`)).status, 400, 'a forged link')
  t.equal((await hub.get(next.replace('/Task?', '/Linkage?'))).status, 400, 'a link of another type')
  t.equal((await hub.get(`${next}&status=requested`)).status, 400, 'a link with more')
  const counted = bundleOf(await hub.get('/Task?_summary=count'))
  t.equal(counted.total, bundleOf(await hub.get('/Task?_count=0')).total)
  t.notHas(counted, 'entry')
})

t.test('what is asked wrongly is refused with the parameter named, and no value repeated', async (t) => {
  const hub = await openServedHub(t)
  const cases: [query: string, rule: string][] = [
    ['/Linkage', 'search-too-wide'],
    ['/Linkage?_lastUpdated=ge2020', 'search-too-wide'],
    ['/Provenance?recorded=ge2020', 'search-too-wide'],
    ['/Task?banana=1', 'search-parameter-unknown'],
    ['/Task?Status=requested', 'search-parameter-unknown'],
    ['/Task?status:not=requested', 'search-modifier-unknown'],
    ['/Task?_count:exact=1', 'search-modifier-unknown'],
    ['/Task?status=9990013675', 'search-value'],
    ['/Task?status=', 'search-value-empty'],
    ['/Task?status=requested,', 'search-value'],
    ['/Task?focus=Patient/1', 'search-value'],
    ['/Task?focus=Immunization/1/_history/1', 'search-value'],
    ['/Task?focus=https://elsewhere.example/FHIR/R4/Immunization/1', 'search-value'],
    ['/Task?_count=-1', 'search-value'],
    ['/Task?_count=1&_count=2', 'search-parameter-repeated'],
    ['/Task?_sort=status', 'search-value'],
    ['/Task?authored-on=yesterday', 'search-value'],
    ['/Task?patient.identifier=9990013675', 'search-value'],
    [`/Task?patient.identifier=${NHS_NUMBER_SYSTEM}|9990013674`, 'search-value'],
    [`/Task?_id=${'x,'.repeat(101)}x`, 'search-too-many-values'],
    [`/Task?${'_id=x&'.repeat(51)}`, 'search-too-many-parameters'],
    [`/Task?_id=${'x'.repeat(8193)}`, 'search-value-long'],
    ['/AuditEvent?action=X', 'search-value'],
    ['/AuditEvent?agent:identifier=https://elsewhere.example|x', 'search-value'],
    ['/AuditEvent?subtype=https://elsewhere.example|x', 'search-value'],
    ['/Task/x?status=requested', 'parameter-unknown']
  ]
  for (const [query, rule] of cases) {
    const answer = await hub.get(query)
    t.same([answer.status, rulesOf(answer)[0]], [400, rule], query)
    t.notMatch(answer.text, /999001367/, query)
  }
  for (const id of ['x', UNKNOWN, '%27', 'x'.repeat(64)]) t.equal((await hub.get(`/Task/${id}`)).status, 404, id)
  const lenient = await hub.get('/Task?banana=1&status=requested', {}, { prefer: 'handling=lenient' })
  t.match(bundleOf(lenient).link?.[0]?.url, /^Task\?status=requested$/)
  t.equal(bundleOf(lenient).entry?.[0]?.search?.mode, 'outcome')
  t.same(hub.faults, [])
})

t.test('GET and POST _search answer alike', async (t) => {
  const hub = await openServedHub(t)
  await postDoubtfulPair(hub)
  const byGet = await hub.get('/Task?status=requested&_count=5')
  const byForm = await hub.ask('POST', '/Task/_search', {}, 'status=requested&_count=5')
  const split = await hub.ask('POST', '/Task/_search?status=requested', {}, '_count=5')
  t.same(byForm.resource, byGet.resource)
  t.same(split.resource, byGet.resource)
  const json = await hub.ask('POST', '/Task/_search', {}, undefined)
  t.equal(json.status, 200, 'no form at all is a search for everything')
})
