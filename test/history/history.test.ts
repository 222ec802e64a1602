import { randomBytes } from 'node:crypto'
import type { Bundle, Immunization } from 'fhir/r4.js'
import t from 'tap'
import type { Test } from 'tap'
import { createHistory } from '../../src/history/history.js'
import { createHistoryStore } from '../../src/storage/history-store.js'
import type { Sql } from '../../src/storage/sql.js'
import {
  ALL_TYPES,
  BASE,
  callerWith,
  CURSOR_KEY,
  everything,
  ids,
  NHS_NUMBER,
  openHistory,
  parametersOf,
  refusal
} from './ask-history.js'
import { bodyOf, keepGroup, keepRecord, keepVersion, type KeptRow } from './kept-rows.js'

const { pool, store, history, search, newPatient } = await openHistory(t)

t.test("a patient's history comes newest first, each record as it was stored", async (t) => {
  const { patientKey, of } = await newPatient()
  const older = await keepRecord(pool, { patientKey, occurrence: '2024-10-01' })
  const newer = await keepRecord(pool, { patientKey, occurrence: '2026-10-01T10:00:00+01:00', vaccineType: 'COVID' })
  await keepRecord(pool, { patientKey, deleted: true, version: 2 })
  await keepRecord(pool, { patientKey: (await newPatient()).patientKey })

  const found = await search(of)

  t.same(found.matches, [newer.recordId, older.recordId])
  t.match(found.bundle, {
    resourceType: 'Bundle',
    type: 'searchset',
    total: 2,
    link: [{ relation: 'self', url: `Immunization?patient.identifier=${encodeURIComponent(of.slice(19))}` }],
    entry: [{ fullUrl: `${BASE}/Immunization/${newer.recordId}`, search: { mode: 'match' } }]
  })
  t.ok(found.text.includes(`"resource":${bodyOf(newer)},`), 'byte for byte')
  t.same(found.outcomes, [], 'nothing was narrowed')
})

t.test('an unknown patient has an empty history, not an error', async (t) => {
  const found = await search(`patient.identifier=${NHS_NUMBER}|9990000018`)
  t.match(found.bundle, { total: 0 })
  t.notHas(found.bundle, 'entry', 'FHIR has no empty arrays')
})

t.test('a jab that several suppliers reported is shown once, by the record that counts', async (t) => {
  const { patientKey, of } = await newPatient()
  const alternate = await keepRecord(pool, { patientKey, occurrence: '2026-10-01' })
  const survivor = await keepRecord(pool, { patientKey, occurrence: '2026-10-01T10:00:00+01:00' })
  const other = await keepRecord(pool, { patientKey, occurrence: '2025-10-01' })
  await keepGroup(pool, [survivor, alternate])
  await keepGroup(pool, [other])

  t.same((await search(of)).matches, ids([survivor, other]))
  t.equal((await search(of)).bundle.total, 2)
  t.same((await search(`${of}&-hub.alternates=true`)).matches, ids([survivor, alternate, other]))
  t.same(
    (await search(`_id=${alternate.recordId}`)).matches,
    [alternate.recordId],
    'who names a record gets that record'
  )
  const { system, value } = alternate.identifier
  t.same((await search(`identifier=${system}|${value}`)).matches, [alternate.recordId])
})

t.test('where the record that counts is of a type the caller may not see, another stands for it', async (t) => {
  const { patientKey, of } = await newPatient()
  const survivor = await keepRecord(pool, { patientKey, vaccineType: 'MMRV' })
  const alternate = await keepRecord(pool, { patientKey, vaccineType: 'MMR' })
  await keepGroup(pool, [survivor, alternate])
  t.same((await search(of, callerWith(['MMR.S']))).matches, [alternate.recordId])
  t.same((await search(of, callerWith(['MMR.S', 'MMRV.S']))).matches, [survivor.recordId])
})

t.test('a caller sees the vaccine types it may search, and is told that only those are answered', async (t) => {
  const { patientKey, of } = await newPatient()
  const flu = await keepRecord(pool, { patientKey, vaccineType: 'FLU' })
  await keepRecord(pool, { patientKey, vaccineType: 'HPV' })

  const narrowed = await search(of, callerWith(['FLU.S', 'COVID.CRUD']))
  t.same(narrowed.matches, [flu.recordId])
  t.equal(narrowed.bundle.total, 1)
  t.same(narrowed.outcomes, ['narrowed-to-permitted-types'])
  t.notMatch(narrowed.text, /HPV/)

  const unaffected = await search((await newPatient()).of, callerWith(['FLU.S']))
  t.same(unaffected.outcomes, ['narrowed-to-permitted-types'], 'said whether or not something was left out')
  t.same(await refusal(search(of, callerWith(['FLU.CRUD']))).then(({ status, rules }) => [status, rules]), [
    403,
    ['permission-missing']
  ])
})

t.test('dates: every prefix, over records of every precision', async (t) => {
  const { patientKey, of } = await newPatient()
  const keep = (occurrence: string) => keepRecord(pool, { patientKey, occurrence })
  const year = await keep('2026')
  const month = await keep('2026-03')
  const day = await keep('2026-03-04')
  const time = await keep('2026-03-04T10:30:15Z')
  const names = new Map([
    [year.recordId, 'year'],
    [month.recordId, 'month'],
    [day.recordId, 'day'],
    [time.recordId, 'time']
  ])
  const expected: [date: string, found: string][] = [
    ['2026', 'day month time year'],
    ['eq2026', 'day month time year'],
    ['2026-03', 'day month time'],
    ['2026-03-04', 'day time'],
    ['2026-03-04T10:30Z', 'time'],
    ['2026-03-04T10:30:15Z', 'time'],
    ['2026-03-04T11:30:15+01:00', 'time'],
    ['2026-03-04T10:30:16Z', ''],
    ['2026-03-05', ''],
    ['2025', ''],
    ['ne2026-03', 'year'],
    ['ne2026-03-04', 'month year'],
    ['gt2026-03-04', 'month year'],
    ['gt2026-03-03', 'day month time year'],
    ['gt2026-03', 'year'],
    ['gt2026', ''],
    ['ge2026-03-04', 'day month time year'],
    ['ge2026-03-05', 'month year'],
    ['ge2027', ''],
    ['lt2026-03-04', 'month year'],
    ['lt2026-03-05', 'day month time year'],
    ['lt2026-01-01', ''],
    ['le2026-03-04', 'day month time year'],
    ['le2026-03-03', 'month year'],
    ['le2026', 'day month time year'],
    ['sa2026-03-03', 'day time'],
    ['sa2026-02', 'day month time'],
    ['sa2025', 'day month time year'],
    ['eb2026-03-05', 'day time'],
    ['eb2026-04', 'day month time'],
    ['eb2027', 'day month time year'],
    ['lt9999', 'day month time year'],
    ['le9999-12-31', 'day month time year'],
    ['gt9999-12', ''],
    ['ge0001', 'day month time year'],
    ['lt0001-01-01T00:00:00Z', ''],
    ['2025,2026-03-04', 'day time'],
    ['ge2026-03-04&date=lt2026-03-05', 'day month time year'],
    ['sa2026-03-03&date=eb2026-03-05', 'day time']
  ]
  for (const [date, found] of expected) {
    const { matches } = await search(`${of}&date=${encodeURIComponent(date).replaceAll('%26date%3D', '&date=')}`)
    t.equal(
      matches
        .map((id) => names.get(id))
        .sort()
        .join(' '),
      found,
      `date=${date}`
    )
  }
})

t.test('a day is a day in London, in summer and winter and on the nights the clocks change', async (t) => {
  const { patientKey, of } = await newPatient()
  const justBefore = await keepRecord(pool, { patientKey, occurrence: '2026-06-30T22:59:59Z' })
  const justAfter = await keepRecord(pool, { patientKey, occurrence: '2026-06-30T23:00:00Z' })
  t.same((await search(`${of}&date=2026-06-30`)).matches, [justBefore.recordId])
  t.same((await search(`${of}&date=2026-07-01`)).matches, [justAfter.recordId])

  const summerTime = await keepRecord(pool, { patientKey, occurrence: '2026-10-25T01:30:00+01:00' })
  const winterTime = await keepRecord(pool, { patientKey, occurrence: '2026-10-25T01:30:00+00:00' })
  t.same((await search(`${of}&date=2026-10-25&_sort=date`)).matches, ids([summerTime, winterTime]))
  const wholeDay = await keepRecord(pool, { patientKey, occurrence: '2026-10-25' })
  t.ok((await search(`${of}&date=eb2026-10-26`)).matches.includes(wholeDay.recordId), 'that day has 25 hours')
})

t.test('status, product, disease and time of change narrow a search', async (t) => {
  const { patientKey, of } = await newPatient()
  const flu = await keepRecord(pool, { patientKey, occurrence: '2026-10-04' })
  const notDone = await keepRecord(pool, { patientKey, occurrence: '2026-10-03', status: 'not-done' })
  const mmr = await keepRecord(pool, {
    patientKey,
    occurrence: '2026-10-02',
    vaccineType: 'MMR',
    productCode: '13968211000001108',
    lastUpdated: new Date('2026-10-05T10:00:00.500Z')
  })
  const snomed = encodeURIComponent('http://snomed.info/sct')
  const expected: [query: string, rows: KeptRow[]][] = [
    ['status=not-done', [notDone]],
    ['status=completed,not-done', [flu, notDone, mmr]],
    ['status=http://hl7.org/fhir/event-status|not-done', [notDone]],
    [`vaccine-code=${snomed}|13968211000001108`, [mmr]],
    ['vaccine-code=13968211000001108', [mmr]],
    [`vaccine-code=${snomed}|`, [flu, notDone, mmr]],
    ['vaccine-code=|13968211000001108', []],
    ['vaccine-code=http://other.test|13968211000001108', []],
    [`vaccine-code=13968211000001108,39114911000001105`, [flu, notDone, mmr]],
    [`target-disease=${snomed}|14189004`, [mmr]],
    [`target-disease=${snomed}|36989005&target-disease=${snomed}|36653000`, [mmr]],
    [`target-disease=${snomed}|14189004&target-disease=${snomed}|6142004`, []],
    [`target-disease=${snomed}|14189004,6142004&status=completed`, [flu, mmr]],
    ['_lastUpdated=2026-10-05', [mmr]],
    ['_lastUpdated=2026-10-05T10:00:00Z', [mmr]],
    ['_lastUpdated=gt2026-10-05T10:00:00Z', []],
    ['_lastUpdated=gt2026-10-05T10:00:00.499Z', [mmr]],
    ['_lastUpdated=ge2026-10-05T10:00:00.500Z', [mmr]],
    ['_lastUpdated=lt2026-10-05', [flu, notDone]],
    ['_lastUpdated=le2026-10-05T10:00:00.499Z', [flu, notDone]],
    ['_lastUpdated=ne2026-10-05', [flu, notDone]],
    ['_lastUpdated=sa2026-10-01', [mmr]],
    ['_lastUpdated=eb2026-10-05', [flu, notDone]]
  ]
  for (const [query, rows] of expected) t.same((await search(`${of}&${query}`)).matches, ids(rows), query)
  t.same((await search(`${of}&_id=${mmr.recordId},${flu.recordId}`)).matches, ids([flu, mmr]))
  t.same((await search(`${of}&_id=no-id-of-ours`)).matches, [])
})

t.test('values with commas, bars and backslashes are escaped, and nothing becomes SQL', async (t) => {
  const { patientKey } = await newPatient()
  const odd = await keepRecord(pool, { patientKey, identifier: { system: 'https://odd.test', value: 'a,b|c\\d$e' } })
  const quote = await keepRecord(pool, {
    patientKey,
    identifier: { system: 'https://odd.test', value: `'; drop table record;--"$$%_` }
  })
  const find = async (value: string) =>
    (await search(`identifier=https://odd.test|${encodeURIComponent(value)}`)).matches
  t.same(await find('a\\,b\\|c\\\\d\\$e'), [odd.recordId])
  t.same(await find(`'; drop table record;--"\\$\\$%_`), [quote.recordId])
  t.same(await find('%'), [])
  const both = `a\\,b\\|c\\\\d\\$e,https://odd.test|'; drop table record;--"\\$\\$%_`
  t.same((await find(both)).sort(), ids([odd, quote]).sort())
  const path = `$ ? (@ == "x") "\\'`
  t.same((await search(`_id=${odd.recordId}&vaccine-code=${encodeURIComponent(path)}`)).matches, [])
})

t.test('pages hold every match once, whatever is written between them', async (t) => {
  const { patientKey, of } = await newPatient()
  const rows: KeptRow[] = []
  // Twelve records on three instants: pages end inside a tie.
  for (let index = 0; index < 12; index++)
    rows.push(await keepRecord(pool, { patientKey, occurrence: `2026-0${1 + (index % 3)}-01T10:00:00Z` }))

  for (const sort of ['date', '-date', '_lastUpdated', '-_lastUpdated']) {
    const seen: string[] = []
    let page = await search(`${of}&_count=5&_sort=${sort}`)
    const whole = (await search(`${of}&_sort=${sort}`)).matches
    t.equal(page.bundle.total, 12)
    for (;;) {
      seen.push(...page.matches)
      if (page.next === undefined) break
      t.ok(page.matches.length <= 5)
      page = await search(page.next.split('?')[1] ?? '')
      t.equal(page.bundle.total, 12)
    }
    t.same(seen, whole, sort)
    t.same([...seen].sort(), ids(rows).sort())
  }

  const first = await search(`${of}&_count=5&_sort=date`)
  await keepRecord(pool, { patientKey, occurrence: '2025-01-01' })
  await pool.query('update record set deleted = true where record_id = $1', [first.matches[0]])
  const rest: string[] = []
  for (let next = first.next; next !== undefined;) {
    const page = await search(next.split('?')[1] ?? '')
    rest.push(...page.matches)
    next = page.next
  }
  t.same([...first.matches, ...rest].sort(), ids(rows).sort())
})

t.test('a page link carries no NHS number and works for the client it was made for alone', async (t) => {
  const { patientKey, of } = await newPatient()
  for (let index = 0; index < 3; index++)
    await keepRecord(pool, { patientKey, vaccineType: index === 0 ? 'FLU' : 'HPV' })
  const first = await search(`${of}&_count=1&status=completed`)
  const next = first.next ?? ''
  const cursor = next.slice(`${BASE}/Immunization?_cursor=`.length)
  const nhsNumber = of.slice(-10)
  const payload = Buffer.from(cursor.split('.')[0] ?? '', 'base64url').toString()
  t.notMatch(payload, nhsNumber)
  t.match(payload, patientKey)

  const second = await search(`_cursor=${cursor}`)
  t.equal(second.self, `Immunization?_cursor=${cursor}`)
  t.equal(second.matches.length, 1)
  const another = callerWith(ALL_TYPES, 'another-practice')
  t.match(await refusal(search(`_cursor=${cursor}`, another)), { status: 404 })
  t.match(await refusal(search(`_cursor=${cursor.slice(0, -2)}xx`)), { status: 400, rules: ['cursor-unknown'] })
  t.match(await refusal(search('_cursor=x')), { status: 400, rules: ['cursor-unknown'] })
  t.match(await refusal(search(`_cursor=${cursor}&status=completed`)), { status: 400, rules: ['cursor-with-others'] })

  const rest = await search(`_cursor=${cursor}`, callerWith(['FLU.S']))
  t.ok(rest.matches.length <= 1, 'permissions of the moment count, not those of the first page')
  t.equal(rest.bundle.total, 1)

  const otherKey = createHistory({ store, cursorKey: randomBytes(32) })
  const asked = otherKey.search(everything, [{ name: '_cursor', value: cursor }], { base: BASE, lenient: false })
  t.match(await refusal(asked), { status: 400, rules: ['cursor-unknown'] })
})

t.test('the total can be had alone or left out', async (t) => {
  const { patientKey, of } = await newPatient()
  for (let index = 0; index < 3; index++) await keepRecord(pool, { patientKey })
  for (const query of ['_summary=count', '_count=0']) {
    const { bundle } = await search(`${of}&${query}`)
    t.match(bundle, { total: 3 }, query)
    t.notHas(bundle, 'entry')
    t.equal(bundle.link?.length, 1, 'there is no next page')
  }
  t.notHas((await search(`${of}&_total=none`)).bundle, 'total')
  t.equal((await search(`${of}&_total=accurate&_count=2`)).bundle.total, 3)
  t.equal((await search(`${of}&_count=999999999`)).matches.length, 3)
})

t.test('a search that cannot be answered as asked is refused with every fault and what is served', async (t) => {
  const { of } = await newPatient()
  const cases: [query: string, rules: string[]][] = [
    ['status=completed', ['search-too-wide']],
    ['patient.identifier=', ['search-value-empty']],
    [`patient.identifier=9990000018`, ['search-value']],
    [`patient.identifier=https://other.test|9990000018`, ['search-value']],
    [`patient.identifier=${NHS_NUMBER}|9990000019`, ['search-value']],
    [`patient.identifier=${NHS_NUMBER}|999 000 0018`, ['search-value']],
    [`patient.identifier=${NHS_NUMBER}|９９９００００018`, ['search-value']],
    [`${of},${of.split('=')[1]}`, ['search-value']],
    [`${of}&${of}`, ['search-value']],
    [`${of}&banana=1`, ['search-parameter-unknown']],
    [`${of}&Patient.Identifier=1`, ['search-parameter-unknown']],
    [`${of}&patient=1`, ['search-value']],
    [`${of}&patient:identifier=1`, ['search-value']],
    ['patient=1,2', ['search-value']],
    [`${of}&status:contains=completed`, ['search-modifier-unknown']],
    [`${of}&status:not:missing=true`, ['search-modifier-unknown']],
    [`${of}&status:=completed`, ['search-modifier-unknown']],
    [`${of}&date:not=2026`, ['search-modifier-unknown']],
    [`${of}&vaccine-code:below=1`, ['search-modifier-unknown']],
    [`${of}&patient.identifier:missing=false`, ['search-modifier-unknown']],
    [`${of}&lot-number:text=1`, ['search-modifier-unknown']],
    [`${of}&_count:exact=1`, ['search-modifier-unknown']],
    [`${of}&date:missing=maybe`, ['search-value']],
    [`${of}&location:missing=true,false`, ['search-value']],
    [`${of}&location:identifier=|`, ['search-value']],
    [`${of}&-hub.vaccine-type=flu`, ['search-value']],
    [`${of}&-hub.vaccine-type=FLU,X`, ['search-value']],
    [`${of}&status=done`, ['search-value']],
    [`${of}&status=completed,`, ['search-value']],
    [`${of}&date=abc`, ['search-value']],
    [`${of}&date=2026-02-30`, ['search-value']],
    [`${of}&date=xx2026`, ['search-value']],
    [`${of}&date=2026-03-04T10:30:15 01:00`, ['search-value']],
    [`${of}&date=2026-03-04T10:30:15`, ['search-value']],
    [`${of}&date=0000`, ['search-value']],
    [`${of}&date=10000`, ['search-value']],
    [`${of}&_lastUpdated=2020-13`, ['search-value']],
    [`${of}&vaccine-code=|`, ['search-value']],
    ['identifier=abc', ['search-too-wide']],
    ['identifier=https://a.test|', ['search-too-wide']],
    ['identifier=https://a.test|1,abc', ['search-too-wide']],
    ['identifier:not=https://a.test|abc', ['search-too-wide']],
    ['identifier:missing=false', ['search-too-wide']],
    ['_id:not=1', ['search-too-wide']],
    ['identifier=|', ['search-value']],
    [`${of}&_sort=status`, ['search-value']],
    [`${of}&_sort=constructor`, ['search-value']],
    [`${of}&_count=-1`, ['search-value']],
    [`${of}&_count=ten`, ['search-value']],
    [`${of}&_count=1&_count=2`, ['search-parameter-repeated']],
    [`${of}&_total=maybe`, ['search-value']],
    [`${of}&_sort=date,-date`, ['search-value']],
    [`${of}&_sort=date,`, ['search-value']],
    [`${of}&_sort=date&_sort=_id`, ['search-parameter-repeated']],
    [`${of}&_summary=banana`, ['search-value']],
    [`${of}&_summary=true&_summary=false`, ['search-parameter-repeated']],
    [`${of}&_summary=true&_elements=id`, ['summary-with-elements']],
    [`${of}&_elements=banana`, ['search-value']],
    [`${of}&_elements=id,`, ['search-value']],
    [`${of}&-hub.alternates=yes`, ['search-value']],
    [`${of}&_include=Immunization:location`, ['include-unknown']],
    [`${of}&_include=*`, ['include-unknown']],
    [`${of}&_include:iterate=Immunization:patient`, ['search-modifier-unknown']],
    [`${of}&_revinclude=Task:focus`, ['include-unknown']],
    [`identifier=https://a.test|${'x'.repeat(8192)}`, ['search-value-long']],
    [`${of}&status=done&date=abc&banana=1`, ['search-parameter-unknown', 'search-value', 'search-value']],
    [`_id=${Array.from({ length: 101 }, () => 'a').join(',')}`, ['search-too-many-values']],
    [Array.from({ length: 51 }, () => 'status=completed').join('&'), ['search-too-many-parameters']]
  ]
  for (const [query, rules] of cases) {
    const refused = await refusal(search(query))
    t.match(refused, { status: 400 }, query.slice(0, 80))
    t.same(refused.rules, rules, query.slice(0, 80))
    t.notMatch(refused.text, /999 ?000/, 'values are not repeated')
  }
  const unknown = await refusal(search(`${of}&banana=1`))
  t.match(unknown.text, /"banana"; served are patient\.identifier, patient, identifier, _id, date, .*handling=lenient/)
  t.notMatch((await refusal(search(`${of}&9990000018=1`))).text, /9990000018/)
})

t.test('lenient handling ignores unknown parameters, says so, and leaves them out of the self link', async (t) => {
  const { patientKey, of } = await newPatient()
  const row = await keepRecord(pool, { patientKey })
  const found = await search(`${of}&banana=1&_count=7`, everything, true)
  t.same(found.matches, [row.recordId])
  t.same(found.outcomes, ['parameters-ignored'])
  t.notMatch(found.self, /banana/)
  t.match(found.self, /_count=7$/)
  t.match(await refusal(search(`${of}&status:text=done`, everything, true)), { rules: ['search-modifier-unknown'] })
})

t.test('a read gives the text as stored; unknown and not permitted are the same 404; deleted is 410', async (t) => {
  const { patientKey } = await newPatient()
  const row = await keepRecord(pool, { patientKey, version: 3 })
  const deleted = await keepRecord(pool, { patientKey, deleted: true, version: 2 })
  t.same(await history.read(callerWith(['FLU.R']), row.recordId), {
    recordId: row.recordId,
    version: 3,
    lastUpdated: row.lastUpdated,
    body: bodyOf(row)
  })
  const unknown = await refusal(history.read(everything, '019a3f00-0000-7000-8000-00000000ffff'))
  t.match(unknown, { status: 404, rules: ['unknown-record'] })
  t.same(await refusal(history.read(callerWith(['FLU.CUDS', 'COVID.R']), row.recordId)), unknown)
  t.same(await refusal(history.read(callerWith([]), deleted.recordId)), unknown)
  for (const id of ['', '1', '_search', '../metadata', "' or 1=1", 'x'.repeat(100), row.recordId.toUpperCase()])
    t.same(await refusal(history.read(everything, id)), unknown, id)
  t.match(await refusal(history.read(everything, deleted.recordId)), { status: 410, rules: ['deleted-record'] })
})

t.test('every version can be read, newest first, and a deleted record keeps its versions', async (t) => {
  const { patientKey } = await newPatient()
  const row = await keepRecord(pool, { patientKey, version: 3, lastUpdated: new Date('2026-10-03T10:00:00Z') })
  await pool.query(`update record_version set operation = 'delete', body = null where record_id = $1`, [row.recordId])
  await pool.query('update record set deleted = true where record_id = $1', [row.recordId])
  await keepVersion(pool, row, 2, 'update', '{"v":2.0}', new Date('2026-10-02T10:00:00Z'))
  await keepVersion(pool, row, 1, 'create', '{"v":1.0}', new Date('2026-10-01T10:00:00Z'))
  const vread = (version: number, caller = everything) => history.readVersion(caller, row.recordId, version)

  t.match(await vread(1), { version: 1, body: '{"v":1.0}', lastUpdated: new Date('2026-10-01T10:00:00Z') })
  t.match(await refusal(vread(3)), { status: 410 })
  t.match(await refusal(vread(4)), { status: 404 })
  t.match(await refusal(vread(999_999_999)), { status: 404 })
  t.match(await refusal(vread(1, callerWith(['HPV.R']))), { status: 404 })

  const list = async (query: string, caller = everything) => {
    const parameters = query === '' ? [] : parametersOf(query)
    const text = await history.versions(caller, row.recordId, parameters, { base: BASE, lenient: false })
    return { text, bundle: JSON.parse(text) as Bundle<Immunization> }
  }
  const { text, bundle } = await list('')
  const path = `Immunization/${row.recordId}`
  t.match(bundle, { type: 'history', total: 3, link: [{ relation: 'self', url: `${path}/_history` }] })
  t.match(bundle.entry, [
    {
      fullUrl: `${BASE}/${path}`,
      request: { method: 'DELETE', url: path },
      response: { status: '204', etag: 'W/"3"' }
    },
    { request: { method: 'PUT', url: path }, response: { status: '200', lastModified: '2026-10-02T10:00:00.000Z' } },
    { request: { method: 'POST', url: 'Immunization' }, response: { status: '201', etag: 'W/"1"' } }
  ])
  t.notHas(bundle.entry?.[0], 'resource', 'a delete has no resource')
  t.ok(text.includes('"resource":{"v":2.0},'), 'byte for byte')

  const since = (await list('_since=2026-10-02T10:00:00Z')).bundle
  t.match(since, { total: 2 })
  t.equal(since.entry?.length, 2)

  const pages: (string | undefined)[] = []
  for (let query: string | undefined = '_count=1'; query !== undefined;) {
    const page: Bundle = (await list(query)).bundle
    t.equal(page.total, 3)
    pages.push(...(page.entry ?? []).map((entry) => entry.response?.etag))
    query = page.link?.find(({ relation }) => relation === 'next')?.url.split('?')[1]
  }
  t.same(pages, ['W/"3"', 'W/"2"', 'W/"1"'])

  t.match(await refusal(list('', callerWith(['HPV.R']))), { status: 404 })
  t.match(await refusal(list('_since=yesterday&_count=x')), { status: 400, rules: ['search-value', 'search-value'] })
  t.match(await refusal(list('_sort=date')), { status: 400, rules: ['search-parameter-unknown'] })
  t.match(await refusal(list('_since=2026&_at=2026')), { status: 400, rules: ['since-with-at'] })
  t.match(await refusal(list('_count=1&_count=2')), { status: 400, rules: ['search-parameter-repeated'] })
  const at: [moment: string, versions: string[]][] = [
    ['2026-09-30', []],
    ['2026-10-01T10:00:00Z', ['W/"1"']],
    ['2026-10-01', ['W/"1"']],
    ['2026-10-02T09:59:59Z', ['W/"1"']],
    ['2026-10-02T10:00Z', ['W/"2"']],
    ['2026-10-02', ['W/"2"', 'W/"1"']],
    ['2026', ['W/"3"', 'W/"2"', 'W/"1"']],
    ['2027', ['W/"3"']]
  ]
  for (const [moment, versions] of at) {
    const { bundle } = await list(`_at=${moment}`)
    t.same(
      (bundle.entry ?? []).map((entry) => entry.response?.etag),
      versions,
      `_at=${moment}`
    )
    t.equal(bundle.total, versions.length)
  }
})

t.test('page links of searches and of version histories are not interchangeable', async (t) => {
  const { patientKey, of } = await newPatient()
  const row = await keepRecord(pool, { patientKey, version: 2 })
  await keepVersion(pool, row, 1, 'create', '{}')
  await keepRecord(pool, { patientKey })
  const versions = (query: string, recordId = row.recordId) =>
    history.versions(everything, recordId, parametersOf(query), { base: BASE, lenient: false })
  const nextOf = (text: string) =>
    (JSON.parse(text) as Bundle).link?.find(({ relation }) => relation === 'next')?.url ?? ''
  const ofSearch = (await search(`${of}&_count=1`)).next?.split('?')[1] ?? ''
  const ofVersions = nextOf(await versions('_count=1')).split('?')[1] ?? ''
  t.match(await refusal(versions(ofSearch)), { status: 400, rules: ['cursor-unknown'] })
  t.match(await refusal(search(ofVersions)), { status: 400, rules: ['cursor-unknown'] })
  const other = await keepRecord(pool, { patientKey })
  t.match(await refusal(versions(ofVersions, other.recordId)), { status: 400, rules: ['cursor-unknown'] })
})

t.test('while PostgreSQL is not there, reading says try again', async (t: Test) => {
  const gone: Sql = {
    query: () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))
  }
  const offline = createHistory({ store: createHistoryStore(gone), cursorKey: CURSOR_KEY })
  const { of } = await newPatient()
  t.match(await refusal(offline.search(everything, parametersOf(of), { base: BASE, lenient: false })), {
    status: 503,
    rules: ['database-unavailable']
  })
  const faulty = createHistory({
    store: createHistoryStore({ query: () => Promise.reject(new Error('syntax error')) }),
    cursorKey: CURSOR_KEY
  })
  await t.rejects(faulty.read(everything, '019a3f00-0000-7000-8000-000000000001'), /syntax error/)
})
