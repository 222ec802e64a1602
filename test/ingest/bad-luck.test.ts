// Records that tell little, look alike or are no vaccinations at all: what becomes of them, from the post to the group.
import type { Immunization } from 'fhir/r4.js'
import t from 'tap'
import { ACT_REASON_SYSTEM, ODS_CODE_SYSTEM, SNOMED_SYSTEM } from '../../src/fhir/identifier-systems.js'
import { clientOf, createIngestRig, fluByPharmacy, readFixture, rulesOf } from '../support/ingest-rig.js'

const GP = 'https://harbour-gp.example/ODSCode_Z99901/event'

type Outcome = 'merged' | 'asked' | 'apart'

const full = fluByPharmacy({ value: 'P' })
const gpCopy: Partial<Immunization> = {
  identifier: [{ system: GP, value: 'G' }],
  primarySource: false,
  occurrenceDateTime: '2026-10-10'
}
const without = (record: Immunization, ...names: (keyof Immunization)[]): Immunization =>
  Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name as keyof Immunization))) as never

const noDose = { protocolApplied: [{ ...full.protocolApplied![0]!, doseNumberString: 'Dose sequence not recorded' }] }
Reflect.deleteProperty(noDose.protocolApplied[0]!, 'doseNumberPositiveInt')

const nasal = (value: string, lot: string, changes: Partial<Immunization> = {}): Immunization => ({
  ...readFixture('flu-school-nasal.json'),
  identifier: [{ system: `https://playground.example/${value}`, value }],
  doseQuantity: { value: 0.1, unit: 'ml', system: 'http://unitsofmeasure.org', code: 'ml' },
  lotNumber: lot,
  ...changes
})
const sixInOne = { ...readFixture('6in1-gp-first.json'), identifier: [{ system: GP, value: '6' }] }
const disease = (code: string) => ({ coding: [{ system: SNOMED_SYSTEM, code }] })
const component = {
  ...without(sixInOne, 'vaccineCode', 'extension'),
  identifier: [{ system: 'https://other-gp.example/event', value: 'B' }],
  primarySource: false,
  vaccineCode: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor', code: 'UNK' }] },
  protocolApplied: [{ targetDisease: [disease('66071002')], doseNumberString: 'Dose sequence not recorded' }]
}
const test = { meta: { security: [{ system: ACT_REASON_SYSTEM, code: 'HTEST' }] } }

const CASES: [string, object, object, Outcome][] = [
  ['a copy without lot', full, { ...without(full, 'lotNumber'), ...gpCopy }, 'merged'],
  ['a copy whose lot is a placeholder', full, { ...full, ...gpCopy, lotNumber: 'not recorded' }, 'merged'],
  ['a copy without dose number', full, { ...full, ...gpCopy, ...noDose }, 'merged'],
  ['a copy without product', full, { ...full, ...gpCopy, vaccineCode: { coding: [unknownProduct()] } }, 'merged'],
  ['a copy whose organisation is X99999', full, { ...full, ...gpCopy, ...organisation('X99999') }, 'merged'],
  [
    'two bare historical records of one day',
    { ...bare(), identifier: [{ system: GP, value: '1' }] },
    { ...bare(), identifier: [{ system: 'https://other-gp.example/event', value: '2' }] },
    'asked'
  ],
  ['two halves of a nasal dose, one lot', nasal('left', 'NX1234'), nasal('right', 'NX1234'), 'asked'],
  ['two halves of a nasal dose, two lots', nasal('left', 'NX1234'), nasal('right', 'QQ9876'), 'asked'],
  ['a combination and one of its components', sixInOne, component, 'merged'],
  [
    'a vaccination and one that was entered in error',
    { ...full, status: 'entered-in-error' },
    { ...full, ...gpCopy },
    'apart'
  ],
  ['a vaccination and test data', { ...full, ...test }, { ...full, ...gpCopy }, 'apart'],
  ['test data and test data', { ...full, ...test }, { ...full, ...gpCopy, ...test }, 'merged']
]

function unknownProduct() {
  return { system: 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor', code: 'UNK' }
}

function organisation(code: string): Partial<Immunization> {
  const identifier = { system: ODS_CODE_SYSTEM, value: code }
  return { performer: [full.performer![0]!, { actor: { type: 'Organization', identifier } }] }
}

function bare(): Immunization {
  const { site: _site, route: _route, doseQuantity: _dose, lotNumber: _lot, expirationDate: _date, ...rest } = full
  return {
    ...rest,
    ...gpCopy,
    ...noDose,
    ...organisation('X99999'),
    vaccineCode: { coding: [unknownProduct()] }
  }
}

t.test('records that tell little or look alike', async (t) => {
  for (const [name, first, second, expected] of CASES) {
    await t.test(name, async (t) => {
      const rig = await createIngestRig(t)
      const one = await rig.post(first, clientOf('one'))
      const two = await rig.post(second, clientOf('two'))
      t.same([one.status, two.status], [201, 201], [...rulesOf(one), ...rulesOf(two)].join())
      const [{ groups } = { groups: 0 }] = await rig.rows<{ groups: number }>(
        'select count(distinct group_id)::integer as groups from event_group_member'
      )
      const asked = await rig.rows(`select from pair_decision where outcome = 'possible'`)
      t.equal(groups === 1 ? 'merged' : asked.length > 0 ? 'asked' : 'apart', expected, rulesOf(two).join())
    })
  }
})

t.test('a vaccination and one that was deleted are not compared', async (t) => {
  const rig = await createIngestRig(t)
  const one = await rig.post(full, clientOf('one'))
  await rig.remove(one.record!.recordId, clientOf('one'))

  t.notMatch(rulesOf(await rig.post({ ...full, ...gpCopy }, clientOf('gp'))), ['same-event-linked'])
  t.same(await rig.rows('select from pair_decision'), [])
})

t.test('of a crowd none is merged, each is kept with one question, and an alarm goes off', async (t) => {
  const alarms: string[] = []
  const rig = await createIngestRig(t, { onCrowded: (recordIds) => alarms.push(...recordIds) })
  const flu = (n: number): Immunization => ({ ...full, identifier: [{ system: `${GP}/${n % 7}`, value: `${n}` }] })
  const post = (n: number) => rig.post({ ...flu(n), primarySource: false, lotNumber: `LOT${1000 + n * 7}` })
  const first = await Promise.all(Array.from({ length: 51 }, (_, n) => post(n)))
  t.same(new Set(first.map(({ status }) => status)), new Set([201]))
  const before = await countQuestions()

  // Those that come at once may be kept in any order; the last one comes after them.
  const more = await Promise.all(Array.from({ length: 199 }, (_, n) => post(n + 51)))
  more.push(await post(250))

  t.ok(more.every(({ status }) => status === 201))
  t.ok(more.every((verdict) => rulesOf(verdict).includes('too-many-similar-records')))
  t.ok((await countQuestions()) - before <= 200, 'one question a record')
  t.same(new Set(alarms), new Set(more.map(({ record }) => record!.recordId)))
  const [busiest] = await rig.rows<{ count: number }>(
    `select count(*)::integer as count
       from pair_decision, unnest(array[record_a, record_b]) as record_id
      where rule = 'C7' or outcome = 'possible'
      group by record_id
      order by 1 desc
      limit 1`
  )
  t.ok(busiest!.count < 60, `and no record collects them: ${busiest!.count}`)

  // What would be merged but for the crowd is what a person is shown, where it is among the latest.
  const copy = { ...full, ...gpCopy, lotNumber: `LOT${1000 + 250 * 7}` }
  const last = await rig.post(copy, clientOf('gp'))
  t.equal(last.status, 201)
  t.ok(rulesOf(last).includes('too-many-similar-records'))
  t.same(await rig.rows(`select from event_group_member group by group_id having count(*) > 1`), [])

  const { reviews } = rig.database.stores
  const pairs = await reviews.list({ states: ['open'], recordId: last.record!.recordId }, { limit: 10 })
  t.match(pairs, [{ rule: 'C7' }], 'and imms duplicates list shows it')
  t.equal(pairs.length, 1)

  async function countQuestions(): Promise<number> {
    return (await rig.rows('select from pair_decision')).length
  }
})
