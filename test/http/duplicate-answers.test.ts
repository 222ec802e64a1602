// What a supplier is told about a record that is, or may be, there already: deduplication reference, sections 2.6 and 2.7,
// row by row, and the pairs of its acceptance table that suppliers meet most, over HTTP.
import type { Immunization, OperationOutcome, OperationOutcomeIssue } from 'fhir/r4.js'
import t from 'tap'
import { ISSUE_RULE_SYSTEM } from '../../src/fhir/identifier-systems.js'
import { fluByPharmacy, readFixture } from '../support/ingest-rig.js'
import { syntheticNhsNumber } from '../support/synthetic.js'
import { openHub } from './open-hub.js'
import { openCaller, type Method, type Sent } from './write-calls.js'

const hub = await openHub(t, () => new Date('2026-11-15T09:00:00Z'))
const URL = '/FHIR/R4/Immunization'
const FULL = { prefer: 'return=OperationOutcome' }
const pharmacy = openCaller(hub, 'marlowe-pharmacy')
const gp = openCaller(hub, 'harbour-gp-system')
let people = 500

/** An Immunization of its own patient, so that rows do not meet each other. */
function flu(changes: Parameters<typeof fluByPharmacy>[0] = {}): Immunization {
  return fluByPharmacy({ value: `row-${people}`, ...changes })
}

function issuesOf(answer: Sent): OperationOutcomeIssue[] {
  return (JSON.parse(answer.body) as OperationOutcome).issue
}

function told(answer: Sent, code: string): OperationOutcomeIssue | undefined {
  return issuesOf(answer).find(({ details }) => details?.coding?.[0]?.code === code)
}

async function post(call: typeof pharmacy, resource: object): Promise<Sent> {
  return call('POST', URL, resource, FULL)
}

function recordOf(answer: Sent): string {
  return /\/Immunization\/([0-9a-f-]{36})\/_history\/\d+$/.exec(String(answer.headers['location']))?.[1] ?? ''
}

interface Row {
  name: string
  /** What is done to a record that was accepted before. */
  send: (sent: Immunization, id: string) => { method: Method; resource?: object; headers?: Record<string, string> }
  status: number
  etag?: string
  issue?: { severity: string; code: string; rule: string; text?: RegExp; expression?: string[] }
  versions: number
}

const antigenOf = (code: string) => [{ targetDisease: [{ coding: [{ system: 'http://snomed.info/sct', code }] }] }]

const ROWS: Row[] = [
  {
    name: 'exact resend',
    send: (resource) => ({ method: 'POST', resource }),
    status: 200,
    etag: 'W/"1"',
    issue: { severity: 'information', code: 'duplicate', rule: 'exact-resend' },
    versions: 1
  },
  {
    name: 'resend that differs in recorded only',
    send: (resource) => ({ method: 'POST', resource: { ...resource, recorded: '2026-10-11T09:00:00+01:00' } }),
    status: 200,
    etag: 'W/"1"',
    issue: { severity: 'information', code: 'duplicate', rule: 'equivalent-resend' },
    versions: 1
  },
  {
    name: 'same identifier, changed content',
    send: (resource) => ({ method: 'POST', resource: { ...resource, lotNumber: 'ZX9999' } }),
    status: 409,
    issue: {
      severity: 'error',
      code: 'conflict',
      rule: 'same-identifier-changed-content',
      text: /PUT it with If-Match: W\/"1"/
    },
    versions: 1
  },
  {
    name: 'same identifier, another patient',
    send: (resource) => ({
      method: 'POST',
      resource: fluByPharmacy({ value: resource.identifier![0]!.value!, nhsNumber: syntheticNhsNumber(499) })
    }),
    status: 409,
    issue: {
      severity: 'error',
      code: 'conflict',
      rule: 'identity-change',
      text: /delete it, then create/,
      expression: ['Immunization.patient']
    },
    versions: 1
  },
  {
    name: 'same identifier, a date more than 7 days away',
    send: (resource) => ({
      method: 'POST',
      resource: { ...resource, occurrenceDateTime: '2026-10-18T10:30:00+01:00' }
    }),
    status: 409,
    issue: {
      severity: 'error',
      code: 'conflict',
      rule: 'identity-change',
      expression: ['Immunization.occurrenceDateTime']
    },
    versions: 1
  },
  {
    name: 'correction by PUT',
    send: (resource, id) => ({
      method: 'PUT',
      resource: { ...resource, id, lotNumber: 'ZX9999' },
      headers: { 'if-match': 'W/"1"' }
    }),
    status: 200,
    etag: 'W/"2"',
    versions: 2
  },
  {
    name: 'correction of a version that is not the current one',
    send: (resource, id) => ({
      method: 'PUT',
      resource: { ...resource, id, lotNumber: 'ZX9999' },
      headers: { 'if-match': 'W/"7"' }
    }),
    status: 412,
    issue: { severity: 'error', code: 'conflict', rule: 'version-stale' },
    versions: 1
  },
  {
    name: 'correction that changes the identifier',
    send: (resource, id) => ({
      method: 'PUT',
      resource: { ...resource, id, identifier: [{ ...resource.identifier![0], value: 'another' }] },
      headers: { 'if-match': 'W/"1"' }
    }),
    status: 422,
    issue: {
      severity: 'error',
      code: 'business-rule',
      rule: 'identifier-changed',
      expression: ['Immunization.identifier[0]']
    },
    versions: 1
  }
]

for (const row of ROWS)
  t.test(`${row.name}: ${row.status}`, async (t) => {
    const sent = flu({ nhsNumber: syntheticNhsNumber(people++) })
    const id = recordOf(await post(pharmacy, sent))
    const { method, resource, headers } = row.send(sent, id)

    const answer = await pharmacy(method, method === 'POST' ? URL : `${URL}/${id}`, resource, { ...FULL, ...headers })

    t.equal(answer.statusCode, row.status, answer.body)
    if (row.etag !== undefined) t.equal(answer.headers['etag'], row.etag)
    if (row.status === 200) t.equal(recordOf(answer), id)
    if (row.issue !== undefined) {
      const { rule, text, expression, ...rest } = row.issue
      const issue = told(answer, rule)
      t.match(issue, { ...rest, details: { coding: [{ system: ISSUE_RULE_SYSTEM, code: rule }] } })
      if (text !== undefined) t.match(issue?.details?.text, text)
      if (expression !== undefined) t.same(issue?.expression, expression)
    }
    const history = JSON.parse((await pharmacy('GET', `${URL}/${id}/_history`)).body) as { total: number }
    t.equal(history.total, row.versions)
  })

t.test('changed content: one issue for each path, and where the stored record is', async (t) => {
  const sent = flu({ nhsNumber: syntheticNhsNumber(people++) })
  const id = recordOf(await post(pharmacy, sent))

  const answer = await post(pharmacy, { ...sent, lotNumber: 'ZX9999', primarySource: false })

  t.same(
    issuesOf(answer)
      .filter(({ details }) => details?.coding?.[0]?.code === 'changed-element')
      .flatMap(({ expression }) => expression),
    ['Immunization.primarySource', 'Immunization.lotNumber']
  )
  t.match(String(answer.headers['location']), new RegExp(`/Immunization/${id}`))
})

t.test('wrong patient: deleted with 204, sent again under its own with 201 as the next version', async (t) => {
  const sent = flu({ nhsNumber: syntheticNhsNumber(people++) })
  const id = recordOf(await post(pharmacy, sent))

  t.equal((await pharmacy('DELETE', `${URL}/${id}`)).statusCode, 204)
  const again = await post(pharmacy, sent)

  t.equal(again.statusCode, 201)
  t.equal(again.headers['etag'], 'W/"3"')
  t.match(told(again, 'reinstated'), { severity: 'warning' })
})

t.test('in a batch every entry is answered as it would be by itself', async (t) => {
  const sent = flu({ nhsNumber: syntheticNhsNumber(people++) })
  await post(pharmacy, sent)
  const entry = [sent, { ...sent, lotNumber: 'ZX9999' }].map((resource) => ({
    resource,
    request: { method: 'POST', url: 'Immunization' }
  }))

  const answer = await pharmacy('POST', '/FHIR/R4', { resourceType: 'Bundle', type: 'batch', entry })

  const { entry: answers = [] } = JSON.parse(answer.body) as { entry?: { response: { status: string } }[] }
  t.same(
    answers.map(({ response }) => response.status.slice(0, 3)),
    ['200', '409']
  )
})

interface Pair {
  name: string
  first: Immunization
  second: Immunization
  issue: { severity: string; rule: string; text: RegExp; diagnostics: RegExp; expression?: string[] }
}

const without = (resource: Immunization, ...elements: (keyof Immunization)[]): Immunization =>
  Object.fromEntries(
    Object.entries(resource).filter(([name]) => !elements.includes(name as keyof Immunization))
  ) as unknown as Immunization

const GP_SYSTEM = 'https://harbour-gp.example/id'
/** The practitioner stays: a contained one that nobody refers to is a fault. */
const by = ({ performer }: Immunization): { performer: NonNullable<Immunization['performer']> } => ({
  performer: [
    performer![0]!,
    {
      actor: {
        type: 'Organization',
        identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: 'B12345' }
      }
    }
  ]
})

function pairs(): Pair[] {
  const [e1, e5, e8, e11] = [0, 1, 2, 3].map((offset) => ({ nhsNumber: syntheticNhsNumber(700 + offset) }))
  const gpCopy = { system: GP_SYSTEM, value: 'copy', primarySource: false, ...by(fluByPharmacy()) }
  const mmrv = readFixture('mmrv-gp-first-birthday.json')
  return [
    {
      name: 'E1 a GP copy with the same lot',
      first: fluByPharmacy({ ...e1, value: 'e1' }),
      second: fluByPharmacy({ ...e1, ...gpCopy, value: 'e1' }),
      issue: {
        severity: 'information',
        rule: 'same-event-linked',
        text: /^Recorded and linked to a vaccination already held/,
        diagnostics: /^rules=dedup-[\d.]+; rule=D1; group=[0-9a-f-]{36}$/
      }
    },
    {
      name: 'E5 a GP copy 5 days later without a lot',
      first: fluByPharmacy({ ...e5, value: 'e5' }),
      second: without(
        fluByPharmacy({
          ...e5,
          ...gpCopy,
          value: 'e5',
          occurrenceDateTime: '2026-10-15T00:00:00+01:00',
          recorded: '2026-10-15T09:00:00+01:00'
        }),
        'lotNumber'
      ),
      issue: {
        severity: 'warning',
        rule: 'possible-duplicate',
        text: /^Looks like a vaccination already reported on 2026-10-10 by another organisation; both are kept/,
        diagnostics: /^rules=dedup-[\d.]+; score=\d+; .*antigen\+15;.*source\+15;.*; group=[0-9a-f-]{36}$/,
        expression: ['Immunization.occurrenceDateTime', 'Immunization.lotNumber']
      }
    },
    {
      name: 'E8 two primary records of two organisations without lots',
      first: without(fluByPharmacy({ ...e8, value: 'e8' }), 'lotNumber'),
      second: without(fluByPharmacy({ ...e8, ...gpCopy, value: 'e8', primarySource: true }), 'lotNumber'),
      issue: {
        severity: 'warning',
        rule: 'possible-duplicate',
        text: /by another organisation/,
        // 55, and 5 for the dose number that these two agree in.
        diagnostics: /score=60; date\+40; antigen\+15; product\+15; dose\+5; organisation-5; source-10; group=/,
        expression: ['Immunization.lotNumber']
      }
    },
    {
      name: 'E11 all equal from one system under a new identifier',
      first: fluByPharmacy({ ...e11, value: 'e11-a', system: GP_SYSTEM }),
      second: fluByPharmacy({ ...e11, value: 'e11-b', system: GP_SYSTEM }),
      issue: {
        severity: 'warning',
        rule: 'possible-duplicate',
        text: /by the same system/,
        diagnostics: /cap=V7.*; score=\d+; .*; record=Immunization\/[0-9a-f-]{36}$/,
        expression: ['Immunization.identifier']
      }
    },
    {
      name: 'E13 an MMRV and the MMR that a GP recorded',
      first: mmrv,
      second: without(
        {
          ...mmrv,
          identifier: [{ system: GP_SYSTEM, value: 'e13' }],
          primarySource: false,
          vaccineCode: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor', code: 'UNK' }] },
          extension: [
            {
              url: mmrv.extension![0]!.url,
              valueCodeableConcept: { coding: [{ system: 'http://snomed.info/sct', code: '38598009' }] }
            }
          ],
          ...by(mmrv),
          protocolApplied: [
            {
              ...mmrv.protocolApplied![0]!,
              targetDisease: ['14189004', '36989005', '36653000'].flatMap((code) => antigenOf(code)[0]!.targetDisease)
            }
          ]
        },
        'lotNumber'
      ),
      issue: {
        severity: 'information',
        rule: 'same-event-linked',
        text: /nothing needs to be done/,
        diagnostics: /rule=D3; group=/
      }
    }
  ]
}

for (const { name, first, second, issue } of pairs())
  t.test(`${name}: 201, and ${issue.rule}`, async (t) => {
    const held = await post(pharmacy, first)
    t.equal(held.statusCode, 201, held.body)

    const answer = await post(gp, second)

    t.equal(answer.statusCode, 201, answer.body)
    t.not(recordOf(answer), recordOf(held), 'a record of its own')
    t.equal(answer.headers['etag'], 'W/"1"')
    const { rule, severity, text, diagnostics, expression } = issue
    const found = told(answer, rule)
    t.match(found, {
      severity,
      code: 'duplicate',
      details: { coding: [{ system: ISSUE_RULE_SYSTEM, code: rule }], text }
    })
    t.match(found?.diagnostics, diagnostics)
    t.same(found?.expression, expression)
    const isNameable = found?.diagnostics?.includes('record=') === true
    t.equal(answer.body.includes(recordOf(held)), isNameable, 'the other record is named within an organisation only')
    t.notMatch(answer.body, /marlowe/, 'the other supplier is not')
  })
