import type { Bundle } from 'fhir/r4.js'
import t from 'tap'
import type { Caller } from '../../src/fhir/caller.js'
import { BASE, callerWith, openHistory, parametersOf, refusal } from './ask-history.js'
import { keepRecord, keepVersion } from './kept-rows.js'

const { pool, history, newPatient } = await openHistory(t)
const { patientKey } = await newPatient()

const SUPPLIER = callerWith(['FLU.CRUDS', 'HPV.R'], 'sandwell-pharmacy')
const OTHER = callerWith(['FLU.CRUDS'], 'harbour-gp')
const READER = callerWith(['FLU.RS', 'MMR.RS'], 'nhs-service')
const OPERATOR = callerWith(['*.CRUDS'], 'operator', ['ops/read'])

const at = (minute: number): Date => new Date(Date.UTC(2026, 9, 1, 10, minute))

// Newest first: mmr, flu 2, deleted 2, theirs, hpv, flu 1, deleted 1.
const flu = await keepRecord(pool, { patientKey, version: 2, lastUpdated: at(50) })
await keepVersion(pool, flu, 1, 'create', '{"v":1.0}', at(10))
await pool.query(`update record_version set operation = 'update' where record_id = $1 and version = 2`, [flu.recordId])
const mmr = await keepRecord(pool, { patientKey, vaccineType: 'MMR', lastUpdated: at(55) })
const hpv = await keepRecord(pool, { patientKey, vaccineType: 'HPV', lastUpdated: at(20) })
const theirs = await keepRecord(pool, { patientKey, lastUpdated: at(30) })
await pool.query(`update record_version set supplier = 'harbour-gp' where record_id = $1`, [theirs.recordId])
const deleted = await keepRecord(pool, { patientKey, deleted: true, version: 2, lastUpdated: at(40) })
await pool.query('update record_version set received_at = $2 where record_id = $1 and version = 1', [
  deleted.recordId,
  at(5)
])
const NAMES = new Map(Object.entries({ flu, mmr, hpv, theirs, deleted }).map(([name, row]) => [row.recordId, name]))

async function list(
  query: string,
  caller: Caller,
  lenient = false
): Promise<{ bundle: Bundle; shown: string[]; next?: string }> {
  const parameters = query === '' ? [] : parametersOf(query)
  const bundle = JSON.parse(await history.allVersions(caller, parameters, { base: BASE, lenient })) as Bundle
  const next = bundle.link?.find(({ relation }) => relation === 'next')?.url.split('?')[1]
  const shown = (bundle.entry ?? []).map(
    ({ fullUrl = '', response }) =>
      `${NAMES.get(fullUrl.split('/').at(-1) ?? '') ?? '?'} ${response?.etag?.slice(3, -1) ?? ''}`
  )
  return { bundle, shown, ...(next === undefined ? {} : { next }) }
}

t.test('the history of the type shows each caller what it may see, newest first', async (t) => {
  t.same(
    (await list('', SUPPLIER)).shown,
    ['flu 2', 'deleted 2', 'hpv 1', 'flu 1', 'deleted 1'],
    'its own, and a type it only reads'
  )
  t.same((await list('', OTHER)).shown, ['theirs 1'])
  t.same((await list('', READER)).shown, ['mmr 1', 'flu 2', 'deleted 2', 'theirs 1', 'flu 1', 'deleted 1'])
  t.equal((await list('', OPERATOR)).shown.length, 7)
  t.match(await refusal(list('', callerWith(['FLU.CUDS']))), { status: 403, rules: ['permission-missing'] })
})

t.test('entries say what was done; a delete has no resource', async (t) => {
  const { bundle } = await list('', SUPPLIER)
  t.match(bundle, { type: 'history', link: [{ relation: 'self', url: 'Immunization/_history' }] })
  t.match(bundle.entry, [
    { request: { method: 'PUT', url: `Immunization/${flu.recordId}` }, response: { status: '200' }, resource: {} },
    { request: { method: 'DELETE', url: `Immunization/${deleted.recordId}` }, response: { status: '204' } }
  ])
  t.notHas(bundle.entry?.[1], 'resource')
  t.notHas(bundle, 'total', 'counting everything is for those who ask')
  t.match((await list('_count=0', SUPPLIER)).bundle, { total: 5 })
  t.notHas((await list('_count=0', SUPPLIER)).bundle, 'entry')
})

t.test('_since, _at and pages', async (t) => {
  const all = (await list('', OPERATOR)).shown
  t.same((await list('_since=2026-10-01T10:40:00Z', OPERATOR)).shown, ['mmr 1', 'flu 2', 'deleted 2'])
  t.same((await list('_at=2026-10-01T10:40:00Z', OPERATOR)).shown, ['deleted 2', 'theirs 1', 'hpv 1', 'flu 1'])
  const first = await list('_count=3&_since=2026-10-01', OPERATOR)
  t.equal(first.bundle.link?.[0]?.url, 'Immunization/_history?_count=3&_since=2026-10-01')
  await keepVersion(pool, theirs, 2, 'update', '{}', at(59))
  const shown = [...first.shown]
  for (let { next } = first; next !== undefined;) {
    const page = await list(next, OPERATOR)
    shown.push(...page.shown)
    next = page.next
  }
  t.same(shown, all, 'what was written since does not move them')
  t.match(await refusal(list(first.next ?? '', READER)), { status: 404 })
  const ofRecord = history.versions(OPERATOR, flu.recordId, parametersOf(first.next ?? ''), {
    base: BASE,
    lenient: false
  })
  t.match(await refusal(ofRecord), { status: 400, rules: ['cursor-unknown'] })
})

t.test('what is not served is refused, or ignored where the caller asks for it', async (t) => {
  const cases: [query: string, rules: string[]][] = [
    ['_since=2026&_at=2026', ['since-with-at']],
    ['_since=soon', ['search-value']],
    ['_at=2026-13', ['search-value']],
    ['_count=-1', ['search-value']],
    ['_since=2026&_since=2027', ['search-parameter-repeated']],
    ['banana=1', ['search-parameter-unknown']],
    ['_cursor=x', ['cursor-unknown']]
  ]
  for (const [query, rules] of cases) t.match(await refusal(list(query, OPERATOR)), { status: 400, rules }, query)
  const lenient = await list('banana=1&_count=1', SUPPLIER, true)
  t.equal(lenient.bundle.link?.[0]?.url, 'Immunization/_history?_count=1')
})
