// $immunization-status and $immds-forecast as clients ask them, over records that were accepted the ordinary way.
import type {
  Immunization,
  ImmunizationEvaluation,
  ImmunizationRecommendation,
  OperationOutcome,
  Parameters,
  Patient
} from 'fhir/r4.js'
import t from 'tap'
import { VACCINE_TYPES, type VaccineType } from '../../src/fhir/vaccine-types.js'
import { syntheticImmunization, syntheticNhsNumber, SYNTHETIC_SUPPLIERS } from '../support/synthetic.js'
import { openHub } from './open-hub.js'

const hub = await openHub(t, () => new Date('2026-11-02T09:00:00Z'))
const NHS_NUMBER = 'https://fhir.nhs.uk/Id/nhs-number'
const STATUS = '/FHIR/R4/Patient/$immunization-status'
const FORECAST = '/FHIR/R4/Patient/$immds-forecast'
const everything = await hub.bearer({ permissions: ['*.CRUDS'] })

type Answered =
  ({ resourceType: 'Parameters' } & Parameters) | ({ resourceType: 'OperationOutcome' } & OperationOutcome)

interface Asked {
  url?: string
  body?: object | string
  form?: string
  authorization?: string
  prefer?: string
}

async function ask({ url = STATUS, body, form, authorization = everything, prefer }: Asked) {
  const type = form === undefined ? 'application/fhir+json' : 'application/x-www-form-urlencoded'
  const payload = form ?? (typeof body === 'string' ? body : JSON.stringify(body))
  const answer = await hub.server.inject({
    url,
    method: payload === undefined ? 'GET' : 'POST',
    headers: {
      authorization,
      ...(payload === undefined ? {} : { 'content-type': type }),
      ...(prefer === undefined ? {} : { prefer })
    },
    ...(payload === undefined ? {} : { payload })
  })
  const json = answer.json<Answered>()
  const named = (name: string) =>
    json.resourceType === 'Parameters'
      ? (json.parameter ?? []).flatMap((one) => (one.name === name ? (one.resource ?? []) : []))
      : []
  const outcome = json.resourceType === 'Parameters' ? (named('outcome')[0] as OperationOutcome) : json
  const recommendation = named('recommendation')[0] as ImmunizationRecommendation | undefined
  return {
    answer,
    status: answer.statusCode,
    evaluations: named('evaluation') as ImmunizationEvaluation[],
    recommendation,
    of: (series: RegExp) => recommendation?.recommendation.find((one) => series.test(one.series ?? '')),
    rules: outcome.issue.map(({ details }) => details?.coding?.[0]?.code ?? ''),
    outcome
  }
}

const query = (nhsNumber: string, others = '') =>
  `identifier=${encodeURIComponent(`${NHS_NUMBER}|${nhsNumber}`)}${others}`

function parameters(values: Record<string, unknown>): Parameters {
  const parameter = Object.entries(values).flatMap(([name, value]) =>
    [value].flat().map((one: unknown) => ({
      name,
      ...(typeof one !== 'object'
        ? { valueString: one }
        : one !== null && 'resourceType' in one
          ? { resource: one }
          : { valueIdentifier: one })
    }))
  )
  return { resourceType: 'Parameters', parameter } as Parameters
}

let n = 5000
/** A vaccination of a child, as a pharmacy reports it. */
function vaccination(nhsNumber: string, vaccineType: VaccineType, day: string, birthDate = '2025-02-01'): Immunization {
  const patient = {
    nhsNumber,
    family: 'Ashdown',
    given: 'Ada',
    gender: 'female',
    birthDate,
    postcode: 'ZZ1 1AA'
  } as const
  return {
    ...syntheticImmunization({ n: n++, vaccineType, patient, supplier: SYNTHETIC_SUPPLIERS[0]! }),
    occurrenceDateTime: day
  }
}

async function post(resource: Immunization): Promise<string> {
  const answer = await hub.server.inject({
    method: 'POST',
    url: '/FHIR/R4/Immunization',
    headers: { authorization: everything, 'content-type': 'application/fhir+json' },
    payload: JSON.stringify(resource)
  })
  if (answer.statusCode !== 201) throw new Error(answer.body)
  return answer.json<Immunization>().id ?? ''
}

const child = syntheticNhsNumber(40_001)
const first = await post(vaccination(child, 'MMRV', '2026-02-01'))
const second = await post({ ...vaccination(child, 'MMRV', '2026-04-30'), lotNumber: 'ZZ81Q' })

t.test('a dose that counts, one that does not and why, and what comes next', async (t) => {
  const asked = await ask({ body: parameters({ identifier: { system: NHS_NUMBER, value: child } }) })

  t.equal(asked.status, 200, asked.answer.body)
  const mmrv = asked.evaluations.filter(({ series }) => /varicella/i.test(series ?? ''))
  t.match(mmrv, [
    {
      status: 'completed',
      date: '2026-11-02',
      patient: { identifier: { system: NHS_NUMBER, value: child } },
      immunizationEvent: { reference: `Immunization/${first}` },
      doseStatus: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/immunization-evaluation-dose-status', code: 'valid' }]
      },
      doseNumberPositiveInt: 1,
      seriesDosesPositiveInt: 2,
      targetDisease: { coding: [{ code: 'MMRV' }] },
      description: 'programme mmrv-2026 1.0.0'
    },
    {
      immunizationEvent: { reference: `Immunization/${second}` },
      doseStatus: { coding: [{ code: 'notvalid' }] },
      doseStatusReason: [{ coding: [{ code: 'outsidesched' }, { code: 'below-minimum-age' }] }],
      doseNumberPositiveInt: 2
    }
  ])
  t.match(asked.of(/varicella/i), {
    forecastStatus: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/immunization-recommendation-status', code: 'due' }]
    },
    doseNumberPositiveInt: 2,
    dateCriterion: [
      { code: { coding: [{ system: 'http://loinc.org', code: '30981-5' }] }, value: '2026-05-28' },
      { code: { coding: [{ code: '30980-7' }] }, value: '2026-08-01' },
      { code: { coding: [{ code: '59778-1' }] }, value: '2026-08-29' }
    ]
  })
  t.same(asked.rules, ['status-informs-only'])
  t.match(asked.outcome.issue[0]?.diagnostics, /^programme rules [0-9a-f]{12}$/)
  t.equal(asked.answer.headers['cache-control'], 'no-store')
})

t.test('GET, form and Parameters ask the same, on the day that is named', async (t) => {
  const day = '2026-05-01'
  const answers = await Promise.all([
    ask({ url: `${STATUS}?${query(child, `&assessmentDate=${day}`)}` }),
    ask({ form: query(child, `&assessmentDate=${day}`) }),
    ask({ url: `${STATUS}?assessmentDate=${day}`, form: query(child) }),
    ask({ body: parameters({ identifier: `${NHS_NUMBER}|${child}`, assessmentDate: day }) }),
    ask({ url: FORECAST, form: query(child, `&assessmentDate=${day}`) })
  ])
  for (const { status, answer } of answers) {
    t.equal(status, 200)
    t.equal(answer.body, answers[0].answer.body)
  }
  t.match(answers[0].of(/varicella/i), { forecastStatus: { coding: [{ code: 'too-early' }] } })
  const before = await ask({ form: query(child, '&assessmentDate=2026-02-01') })
  t.equal(
    before.evaluations.filter(({ series }) => /varicella/i.test(series ?? '')).length,
    1,
    'later doses are left out'
  )
})

t.test('what is answered is valid R4', async (t) => {
  const { rules } = await import('./status-validator.js')
  const asked = await ask({ form: query(child, '&flag=PREGNANT') })
  for (const resource of [...asked.evaluations, asked.recommendation, asked.outcome])
    t.same(rules(resource), [], JSON.stringify(resource))
})

t.test('another copy of one vaccination is judged once', async (t) => {
  const nhsNumber = syntheticNhsNumber(40_002)
  const one = vaccination(nhsNumber, 'HPV', '2026-09-20', '2013-12-01')
  await post(one)
  await post({
    ...one,
    identifier: [{ system: SYNTHETIC_SUPPLIERS[2]!.system, value: 'copy-1' }],
    primarySource: false
  })
  const asked = await ask({ form: query(nhsNumber) })
  t.equal(asked.evaluations.length, 1)
  t.match(asked.of(/papilloma/i), {
    forecastStatus: { coding: [{ code: 'complete' }] },
    forecastReason: [{ coding: [{ code: 'more-for-some' }], text: /IMMUNOSUPPRESSED/ }]
  })
})

t.test('a client sees what it may read, and is told so; nobody and somebody hidden look alike', async (t) => {
  const authorization = await hub.bearer({ permissions: ['FLU.R', 'HPV.CS'] })
  const hidden = await ask({ form: query(child), authorization })
  const nobody = await ask({ form: query(syntheticNhsNumber(40_900)), authorization })
  t.equal(hidden.status, 200)
  t.same(hidden.evaluations, [])
  t.same(hidden.rules, [
    'status-informs-only',
    'narrowed-to-permitted-types',
    'status-no-records',
    'status-no-birth-date'
  ])
  t.same(
    hidden.recommendation?.recommendation.map(({ forecastStatus }) => forecastStatus.coding?.[0]?.code),
    ['cannot-tell']
  )
  t.equal(nobody.answer.body, hidden.answer.body.replaceAll(child, syntheticNhsNumber(40_900)))

  const none = await ask({ form: query(child), authorization: await hub.bearer({ permissions: ['FLU.CS'] }) })
  t.same([none.status, ...none.rules], [403, 'permission-missing'])
  const scope = await ask({
    form: query(child),
    authorization: await hub.bearer({ scopes: ['system/Immunization.s'] })
  })
  t.same([scope.status, ...scope.rules], [403, 'scope-missing'])
  const past = await ask({ form: query(child, '&assessmentDate=1990-01-01') })
  t.equal(past.recommendation, undefined, 'no programme of that day is known')
  t.same(past.rules, ['status-informs-only', 'status-no-programme'])
})

t.test('births that disagree are told, and nothing is made of them', async (t) => {
  const nhsNumber = syntheticNhsNumber(40_003)
  await post(vaccination(nhsNumber, 'MMRV', '2026-02-01', '2025-01-15'))
  await post(vaccination(nhsNumber, 'MMRV', '2026-08-01', '2025-01-16'))
  const asked = await ask({ form: query(nhsNumber) })
  t.same(asked.rules, ['status-informs-only', 'status-birth-dates-disagree'])
  t.match(asked.of(/varicella/i), { forecastStatus: { coding: [{ code: 'cannot-tell' }] } })
  t.notMatch(JSON.stringify(asked.outcome), /2025-01-1/)
})

const patient: Patient = { resourceType: 'Patient', id: 'p1', birthDate: '2025-02-01' }
function given(day: string, type: VaccineType = 'MMRV'): Immunization {
  const snomed = (code: string) => ({ coding: [{ system: 'http://snomed.info/sct', code }] })
  return {
    resourceType: 'Immunization',
    status: 'completed',
    vaccineCode: { text: type },
    patient: { reference: 'Patient/p1' },
    occurrenceDateTime: day,
    protocolApplied: [{ doseNumberPositiveInt: 1, targetDisease: VACCINE_TYPES[type].map(snomed) }]
  }
}

t.test('records that are handed in are judged alone, and nothing is kept', async (t) => {
  const count = async () => (await hub.pool.query('select from record')).rowCount
  const before = await count()
  const body = parameters({
    patient,
    immunization: [
      { ...given('2026-02-01'), id: 'a' },
      given('2026-08-01'),
      { ...given('2026-09-01'), status: 'not-done' }
    ],
    assessmentDate: '2026-11-02'
  })
  const asked = await ask({ url: FORECAST, body })
  t.equal(asked.status, 200, asked.answer.body)
  const mmrv = asked.evaluations.filter(({ series }) => /varicella/i.test(series ?? ''))
  t.match(mmrv, [
    { patient: { reference: 'Patient/p1' }, immunizationEvent: { reference: 'Immunization/a' } },
    { immunizationEvent: { display: 'immunization 2 of the request' }, doseStatus: { coding: [{ code: 'valid' }] } }
  ])
  t.equal(mmrv.length, 2)
  t.match(asked.of(/varicella/i), { forecastStatus: { coding: [{ code: 'complete' }] } })
  t.same(asked.rules, ['status-informs-only'])
  t.equal(await count(), before)

  const { occurrenceDateTime: _none, ...undated } = given('2026-02-01')
  const odd = await ask({
    url: FORECAST,
    body: parameters({ patient: { resourceType: 'Patient' }, immunization: { ...undated, occurrenceString: 'once' } })
  })
  t.same(odd.rules, ['status-informs-only', 'status-no-birth-date', 'status-event-undated'])
})

t.test('a question that is not understood is 400, says what is served and repeats nothing', async (t) => {
  const id = { system: NHS_NUMBER, value: child }
  const cases: [string, Asked, RegExp][] = [
    ['no identifier', { body: parameters({}) }, /identifier is missing/],
    ['bad check digit', { form: query('9990000019') }, /check digit/],
    ['another system', { form: 'identifier=https%3A%2F%2Fx.example%7C9990000018' }, /nhs-number/],
    ['Identifier without value', { body: parameters({ identifier: { system: NHS_NUMBER } }) }, /nhs-number/],
    ['twice', { form: `${query(child)}&${query(child)}` }, /twice/],
    ['unknown', { form: query(child, '&at=2026-01-01') }, /served are identifier, assessmentDate/],
    ['not a day', { form: query(child, '&assessmentDate=2026-02-30') }, /day such as/],
    ['a month', { form: query(child, '&assessmentDate=2026-02') }, /day such as/],
    ['unknown flag', { form: query(child, '&flag=BANANA') }, /PREGNANT/],
    ['both', { form: query(child, '&flag=PREGNANT&flagAbsent=PREGNANT') }, /both/],
    ['records here', { body: parameters({ patient }) }, /served are/],
    ['both ways', { url: FORECAST, body: parameters({ identifier: id, patient }) }, /one or the other/],
    ['no patient', { url: FORECAST, body: parameters({ immunization: given('2026-02-01') }) }, /identifier is missing/],
    ['another type', { url: FORECAST, body: parameters({ patient: given('2026-02-01') }) }, /type Patient/],
    ['a text', { url: FORECAST, body: parameters({ patient, immunization: 'x' }) }, /type Immunization/],
    ['a resource', { body: patient }, /Parameters/],
    ['no list', { body: { resourceType: 'Parameters', parameter: {} } }, /array/],
    ['no value', { body: { resourceType: 'Parameters', parameter: [{ name: 'identifier' }] } }, /value\[x\]/]
  ]
  for (const [name, asked, text] of cases) {
    const { status, rules, outcome } = await ask(asked)
    t.same([status, ...rules], [400, 'status-request'], name)
    t.match(outcome.issue[0]?.details?.text, text, name)
    t.notMatch(JSON.stringify(outcome), /BANANA|999000001|2026-02/, name)
  }
  const lenient = await ask({ form: query(child, '&colour=red'), prefer: 'handling=lenient' })
  t.equal(lenient.status, 200)
  const many = Array.from({ length: 501 }, () => given('2026-02-01'))
  t.match((await ask({ url: FORECAST, body: parameters({ patient, immunization: many }) })).outcome.issue[0], {
    code: 'too-long'
  })
})

t.test('faults of a record handed in name it, all at once', async (t) => {
  const bad = { ...given('2026-02-30'), lotNumbr: 'x' }
  const asked = await ask({
    url: FORECAST,
    body: parameters({ patient: { ...patient, birthDate: 7 }, immunization: bad })
  })
  t.equal(asked.status, 400)
  const texts = asked.outcome.issue.map(({ details }) => details?.text ?? '')
  t.ok(texts.some((text) => text.startsWith('patient: ')))
  t.ok(texts.filter((text) => text.startsWith('immunization[0]: ')).length >= 2)
  const wrong = await ask({ body: '{' })
  t.same([wrong.status, ...wrong.rules], [400, 'json-syntax'])
})

t.test('the log says nothing of a patient, and the audit trail who asked', async (t) => {
  await hub.flushReads()
  t.notMatch(JSON.stringify(hub.lines), new RegExp(child))
  const { rows } = await hub.pool.query<{ detail: string }>(
    `select detail::text as detail from audit_entry where action = 'read.immunization.search-type'`
  )
  t.match(rows.map(({ detail }) => detail).join(' '), /"operation": ?"immunization-status"/)
  t.same(hub.faults, [])
})
