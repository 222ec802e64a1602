import type { Provenance } from 'fhir/r4.js'
import t from 'tap'
import { SEARCH_PARAMETERS } from '../../src/history/search-parameters.js'
import { BASE, callerWith, ids, NHS_NUMBER, openHistory, refusal } from './ask-history.js'
import { keepGroup, keepRecord, keepVersion, type KeptRow } from './kept-rows.js'

const { pool, search, newPatient } = await openHistory(t)
const ODS = 'https://fhir.nhs.uk/Id/ods-organization-code'
const SNOMED = 'http://snomed.info/sct'

const organisation = (code: string) => `{"type":"Organization","identifier":{"system":"${ODS}","value":"${code}"}}`

t.test('every parameter and modifier narrows a history to the records that meet it', async (t) => {
  const { patientKey, nhsNumber, of } = await newPatient()
  const flu = await keepRecord(pool, {
    patientKey,
    occurrence: '2026-10-04',
    lotNumber: 'AF,32-b',
    more:
      `,"location":{"identifier":{"system":"${ODS}","value":"X99999"}}` +
      `,"performer":[{"actor":{"reference":"Practitioner/7"}},{"actor":${organisation('FZZ01')}}]`
  })
  const contained = await keepRecord(pool, {
    patientKey,
    occurrence: '2026-10-03',
    status: 'not-done',
    lotNumber: 'XAF3',
    more:
      `,"contained":[{"resourceType":"Organization","id":"org","identifier":[{"system":"${ODS}","value":"FZZ01"}]},` +
      `{"resourceType":"Location","id":"unused","identifier":[{"system":"${ODS}","value":"X99999"}]}]` +
      `,"performer":[{"actor":{"reference":"#org"}}],"location":{"reference":"Location/ward-1"}`
  })
  const mmr = await keepRecord(pool, {
    patientKey,
    occurrence: '2026-10-02',
    vaccineType: 'MMR',
    productCode: '13968211000001108',
    more: `,"location":{"identifier":{"value":"X99999"}}`
  })
  await pool.query(
    `update record_version set body = replace(body, '"meta":{', '"meta":{"profile":["https://p.test/UKCore|2.4.0"],')
      where record_id = $1`,
    [mmr.recordId]
  )
  const all = [flu, contained, mmr]
  const bar = encodeURIComponent('|')
  const expected: [query: string, rows: KeptRow[]][] = [
    ['status:not=completed', [contained]],
    ['status:not=completed,not-done', []],
    ['status:not=entered-in-error', all],
    ['status:missing=false', all],
    ['status:missing=true', []],
    [`status=http://hl7.org/fhir/event-status${bar}`, all],
    [`status=${bar}completed`, []],
    [`vaccine-code:not=${SNOMED}${bar}13968211000001108`, [flu, contained]],
    ['target-disease:not=6142004', [mmr]],
    [`target-disease:not=6142004,${SNOMED}${bar}14189004`, []],
    ['-hub.vaccine-type=MMR', [mmr]],
    ['-hub.vaccine-type=MMR,FLU', all],
    ['-hub.vaccine-type:not=MMR', [flu, contained]],
    ['lot-number=af', [flu]],
    ['lot-number=AF\\,32', [flu]],
    ['lot-number=AF,32', [flu]],
    ['lot-number=af\\,32-B,x', [flu, contained]],
    ['lot-number=%25', []],
    ['lot-number=_', []],
    ['lot-number:contains=AF3', [contained]],
    ['lot-number:contains=af', [flu, contained]],
    ['lot-number:exact=AF\\,32-b', [flu]],
    ['lot-number:exact=AF\\,32-B', []],
    ['lot-number:missing=true', [mmr]],
    ['lot-number:missing=false', [flu, contained]],
    [`location:identifier=${ODS}${bar}X99999`, [flu]],
    [`location.identifier=${ODS}${bar}X99999`, [flu]],
    ['location:identifier=X99999', [flu, mmr]],
    [`location:identifier=${bar}X99999`, [mmr]],
    [`location:identifier=${ODS}${bar}`, [flu]],
    [`location:identifier=${ODS}${bar}X99999,${bar}X99999`, [flu, mmr]],
    ['location:missing=true', []],
    ['location=ward-1', [contained]],
    ['location=Location/ward-1', [contained]],
    [`location=${BASE}/Location/ward-1`, [contained]],
    ['location=https://other.test/Location/ward-1', []],
    [`performer:identifier=${ODS}${bar}FZZ01`, [flu, contained]],
    [`performer.identifier=${ODS}${bar}FZZ01`, [flu, contained]],
    ['performer.identifier=x"', []],
    ['performer=7', [flu]],
    ['performer=Practitioner/7', [flu]],
    ['performer=Organization/7', []],
    ['performer:missing=true', [mmr]],
    ['performer:missing=false', [flu, contained]],
    ['_profile=https://p.test/UKCore', [mmr]],
    [`_profile=https://p.test/UKCore${bar}2.4.0`, [mmr]],
    [`_profile=https://p.test/UKCore${bar}2.5.0`, []],
    ['_profile=https://p.test/UK', []],
    ['_profile:missing=true', [flu, contained]],
    [`identifier=${mmr.identifier.value}`, [mmr]],
    [`identifier=https://supplier.test/id${bar}`, all],
    [`identifier=${bar}${mmr.identifier.value}`, []],
    [`identifier:not=${mmr.identifier.value}`, [flu, contained]],
    [`_id:not=${mmr.recordId},x`, [flu, contained]],
    ['_id:missing=true', []],
    ['identifier:missing=false', all],
    ['date:missing=true', []],
    ['date:missing=false', all],
    ['_lastUpdated:missing=false', all],
    ['patient:missing=false', all],
    ['patient:missing=true', []],
    ['status=completed&lot-number=a&date=2026-10', [flu]],
    ['status=completed&status=not-done', []]
  ]
  for (const [query, rows] of expected) t.same((await search(`${of}&${query}`)).matches, ids(rows), query)

  for (const who of [
    `patient:identifier=${NHS_NUMBER}${bar}${nhsNumber}`,
    `patient=${patientKey}`,
    `patient=Patient/${patientKey}`,
    `patient=${BASE}/Patient/${patientKey}`
  ])
    t.same((await search(who)).matches, ids(all), who.slice(0, 20))
  for (const nobody of [
    'patient=7',
    'patient=Patient/7',
    `patient=https://other.test/Patient/${patientKey}`,
    'patient=Group/1'
  ])
    t.match((await search(nobody)).bundle, { total: 0 }, nobody)
})

t.test('every parameter that is declared is served, with its modifiers', async (t) => {
  const { of } = await newPatient()
  const values: Record<string, string> = {
    date: '2026',
    _lastUpdated: '2026',
    status: 'completed',
    '-hub.vaccine-type': 'FLU',
    identifier: 'https://a.test|1',
    'patient.identifier': of.slice(of.indexOf('=') + 1),
    patient: 'Patient/1'
  }
  for (const { name, modifiers } of SEARCH_PARAMETERS) {
    const prefix = name.startsWith('patient') ? '' : `${of}&`
    t.match((await search(`${prefix}${name}=${values[name] ?? 'x'}`)).bundle, { type: 'searchset' }, name)
    for (const modifier of modifiers) {
      const value =
        modifier === 'missing' ? 'false' : modifier === 'identifier' ? of.slice(of.indexOf('=') + 1) : values[name]
      const who = name.startsWith('patient') && modifier !== 'missing' ? '' : `${of}&`
      t.match((await search(`${who}${name}:${modifier}=${value ?? 'x'}`)).bundle, { type: 'searchset' }, modifier)
    }
  }
  t.end()
})

t.test('a time is found to the minute, and a plus sign that became a space is refused with a hint', async (t) => {
  const { patientKey, of } = await newPatient()
  const row = await keepRecord(pool, { patientKey, occurrence: '2026-10-25T01:30:20+01:00' })
  t.same((await search(`${of}&date=2026-10-25T01:30%2B01:00`)).matches, [row.recordId])
  t.same((await search(`${of}&date=2026-10-25T00:30Z`)).matches, [row.recordId])
  t.same((await search(`${of}&date=2026-10-25T01:30%2B00:00`)).matches, [], 'the second half past one of that night')
  const refused = await refusal(search(`${of}&date=2026-10-25T01:30:20 01:00`))
  t.match(refused, { status: 400, rules: ['search-value'] })
  t.match(refused.text, /a plus sign is written %2B/)
})

t.test('ap finds what is near: a tenth of the distance to now on both sides', async (t) => {
  const { patientKey, of } = await newPatient()
  // Now is 2 November 2026: 100 days after 25 July.
  const near = await keepRecord(pool, { patientKey, occurrence: '2026-08-04' })
  const far = await keepRecord(pool, { patientKey, occurrence: '2026-08-06' })
  const before = await keepRecord(pool, { patientKey, occurrence: '2026-07-15' })
  t.same((await search(`${of}&date=ap2026-07-25`)).matches, ids([near, before]))
  t.same((await search(`${of}&date=ap2026-08`)).matches, ids([far, near]))
  t.same((await search(`${of}&date=ap0001`)).matches.length, 0)
  t.same((await search(`${of}&date=ap9999`)).matches.length, 0)
})

t.test('several keys sort one after the other', async (t) => {
  const { patientKey, of } = await newPatient()
  const keep = (occurrence: string, day: number) =>
    keepRecord(pool, { patientKey, occurrence, lastUpdated: new Date(`2026-10-0${day}T10:00:00Z`) })
  const a = await keep('2026-01-01', 2)
  const b = await keep('2026-01-01', 1)
  const c = await keep('2025-01-01', 3)
  const byId = ids([a, b, c]).sort()
  const expected: [sort: string, order: string[]][] = [
    ['date,_lastUpdated', ids([c, b, a])],
    ['date,-_lastUpdated', ids([c, a, b])],
    ['-date,_lastUpdated', ids([b, a, c])],
    ['-date,_id', [...ids([a, b]).sort(), c.recordId]],
    ['date,-_id', [c.recordId, ...ids([a, b]).sort().reverse()]],
    ['_id', byId],
    ['-_id', byId.toReversed()],
    ['-_id,date', byId.toReversed()]
  ]
  for (const [sort, order] of expected) {
    t.same((await search(`${of}&_sort=${sort}`)).matches, order, sort)
    const seen: string[] = []
    for (let next: string | undefined = `${of}&_sort=${sort}&_count=1`; next !== undefined;) {
      const page = await search(next)
      seen.push(...page.matches)
      next = page.next?.split('?')[1]
    }
    t.same(seen, order, `${sort}, page by page`)
  }
})

t.test('a Patient comes along, made of what the matches say and marked as such', async (t) => {
  const { patientKey, nhsNumber, of } = await newPatient()
  const identifier = `{"system":"${NHS_NUMBER}","value":"${nhsNumber}"}`
  const patient = (more: string) =>
    `,"patient":{"reference":"#p"},"contained":[{"resourceType":"Patient","id":"p","identifier":[${identifier}]${more}}]`
  await keepRecord(pool, {
    patientKey,
    lastUpdated: new Date('2026-10-01T10:00:00Z'),
    more: patient(',"name":[{"family":"Birch"}],"birthDate":"1950-01-02","gender":"female"')
  })
  await keepRecord(pool, {
    patientKey,
    lastUpdated: new Date('2026-10-02T10:00:00Z'),
    more: patient(
      ',"name":[{"family":"Ashdown"},{"family":"Birch"}],"birthDate":"1950-01-01","deceasedDateTime":"2026-10-30"'
    )
  })
  await keepRecord(pool, {
    patientKey,
    status: 'not-done',
    lastUpdated: new Date('2026-10-03T10:00:00Z'),
    more: `,"patient":{"identifier":${identifier}}`
  })

  const found = await search(`${of}&_include=Immunization:patient&_include=Immunization:patient:Patient`)

  t.equal(found.bundle.total, 3, 'what comes along is not counted')
  t.equal(found.matches.length, 3)
  t.equal(found.included.length, 1)
  t.equal(found.included[0]?.fullUrl, `urn:uuid:${patientKey}`)
  t.same(found.included[0]?.resource, {
    resourceType: 'Patient',
    id: patientKey,
    meta: {
      lastUpdated: '2026-10-03T10:00:00.000Z',
      tag: [
        {
          system: 'https://immunisation-hub.example/CodeSystem/resource-origin',
          code: 'composed',
          display: 'Composed from what Immunization records say; kept nowhere as such'
        }
      ]
    },
    identifier: [{ system: NHS_NUMBER, value: nhsNumber }],
    name: [{ family: 'Ashdown' }, { family: 'Birch' }],
    gender: 'female',
    birthDate: '1950-01-01',
    deceasedDateTime: '2026-10-30'
  })

  const narrowed = await search(`${of}&status=not-done&_include=Immunization:patient`)
  t.notHas(narrowed.included[0]?.resource, 'name', 'records that do not match say nothing')
  t.same((await search(`${of}&_include=Immunization:patient&_summary=count`)).included, [])
  t.same((await search(`${(await newPatient()).of}&_include=Immunization:patient`)).bundle.entry, undefined)
})

t.test('records of several patients bring each their own', async (t) => {
  const rows: KeptRow[] = []
  for (let index = 0; index < 2; index++) {
    const { patientKey } = await newPatient()
    rows.push(await keepRecord(pool, { patientKey, more: ',"patient":{"display":"unknown"}' }))
  }
  const found = await search(`_id=${ids(rows).join(',')}&_include=Immunization:patient`)
  t.same(found.included.map(({ resource }) => resource?.id).sort(), rows.map(({ patientKey }) => patientKey).sort())
})

t.test('Provenance comes along: who sent the version that is shown, when, in which request', async (t) => {
  const { patientKey, of } = await newPatient()
  const row = await keepRecord(pool, { patientKey, version: 2 })
  await keepVersion(pool, row, 1, 'create', '{}')
  await pool.query(
    `update record_version set operation = 'update', request_id = 'request-7' where record_id = $1 and version = 2`,
    [row.recordId]
  )
  const found = await search(`${of}&_revinclude=Provenance:target`)
  t.equal(found.bundle.total, 1)
  t.equal(found.included.length, 1)
  const provenance = found.included[0]?.resource as Provenance
  t.equal(found.included[0]?.fullUrl, `${BASE}/Provenance/${row.recordId}-2`)
  t.match(provenance, {
    resourceType: 'Provenance',
    id: `${row.recordId}-2`,
    target: [{ reference: `Immunization/${row.recordId}/_history/2` }],
    recorded: row.lastUpdated.toISOString(),
    activity: { coding: [{ code: 'UPDATE' }] },
    agent: [{ who: { identifier: { value: 'sandwell-pharmacy' } } }],
    entity: [{ role: 'source', what: { identifier: { value: 'request-7' } } }]
  })
})

t.test('elements and summaries cut the text of a record and leave what stays as it was', async (t) => {
  const { patientKey, of } = await newPatient()
  const more =
    ',"_status" : {"id":"s"},"patient":{"reference":"#p"},"contained":[ {"resourceType":"Patient","id":"p"} , ' +
    '{"resourceType":"Practitioner","id":"q"}],"text":{"status":"empty","div":"<div/>"},"note":[{"text":"]},"}]'
  await keepRecord(pool, { patientKey, more })
  const keys = async (query: string) => {
    const { text, bundle } = await search(`${of}&${query}`)
    const resource = bundle.entry?.[0]?.resource as unknown as Record<string, unknown>
    return { text, resource, keys: Object.keys(resource).sort() }
  }
  const always = [
    '_status',
    'contained',
    'id',
    'meta',
    'occurrenceDateTime',
    'patient',
    'resourceType',
    'status',
    'vaccineCode'
  ]
  const some = await keys('_elements=doseQuantity')
  t.same(some.keys, [...always, 'doseQuantity'].sort())
  t.ok(some.text.includes('"doseQuantity":{"value":0.50}'), 'digits stay')
  t.same(some.resource['contained'], [{ resourceType: 'Patient', id: 'p' }], 'only what is still referred to')
  t.match(some.resource['meta'], { versionId: '1', tag: [{ code: 'SUBSETTED' }] })
  t.same((await keys('_elements=id')).keys, always)
  t.equal(((await keys('_elements=contained')).resource['contained'] as object[]).length, 2)
  t.same((await keys('_summary=true')).keys, [...always, 'note'].sort())
  t.same((await keys('_summary=text')).keys, [...always, 'text'].sort())
  const data = await keys('_summary=data')
  t.same(data.keys, [...always, 'doseQuantity', 'note', 'protocolApplied'].sort())
  t.same(data.resource['note'], [{ text: ']},' }])
  const whole = await keys('_summary=false')
  t.same(whole.keys, [...data.keys, 'text'].sort())
  t.notHas(whole.resource['meta'], 'tag')
})

t.test('what is narrowed to alternates and types is narrowed in every mode', async (t) => {
  const { patientKey, of } = await newPatient()
  const more = ',"patient":{"display":"unknown"}'
  const survivor = await keepRecord(pool, { patientKey, more })
  const alternate = await keepRecord(pool, { patientKey, more })
  await keepGroup(pool, [survivor, alternate])
  const query = `${of}&_include=Immunization:patient&_revinclude=Provenance:target`
  t.equal((await search(query)).included.length, 2)
  t.equal((await search(`${query}&-hub.alternates=true`)).included.length, 3)
  const narrowed = await search(query, callerWith(['HPV.S']))
  t.same([narrowed.matches, narrowed.included, narrowed.outcomes], [[], [], ['narrowed-to-permitted-types']])
})
