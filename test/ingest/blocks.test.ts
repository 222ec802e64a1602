// People whose NHS number is missing or not traced: found by date of birth, family name and postcode, and left to a person.
import type { Immunization, Patient } from 'fhir/r4.js'
import t from 'tap'
import { uuidv7 } from 'uuidv7'
import { NHS_NUMBER_SYSTEM, NHS_NUMBER_VERIFICATION_URL } from '../../src/fhir/identifier-systems.js'
import { createDuplicateReviews } from '../../src/review/duplicate-reviews.js'
import {
  clientOf,
  createIngestRig,
  fluByPharmacy,
  openIngest,
  rules,
  rulesOf,
  TWO_DESTINATIONS,
  type IngestRig
} from '../support/ingest-rig.js'
import { syntheticNhsNumber } from '../support/synthetic.js'

const GP = 'https://harbour-gp.example/ODSCode_Z99901/event'
const NUMBER = syntheticNhsNumber(41)

interface Person {
  /** Undefined: not known to the sender. */
  number?: string
  isTraced?: boolean
  family?: string
  born?: string
  postcode?: string
}

/** A flu vaccination of one woman, as told by whoever knows more or less of her. */
function flu(person: Person, changes: Parameters<typeof fluByPharmacy>[0] = {}): Immunization {
  const resource = fluByPharmacy(changes)
  const contained = (resource.contained ?? []).map((entry) =>
    entry.resourceType === 'Patient' ? describe(entry as Patient, person) : entry
  )
  return { ...resource, contained }
}

function describe(patient: Patient, { number, isTraced = true, family, born, postcode }: Person): Patient {
  const status = { coding: [{ system: VERIFICATION_STATUS, code: '02' }] }
  const extension = [{ url: NHS_NUMBER_VERIFICATION_URL, valueCodeableConcept: status }]
  const identifier =
    number === undefined ? [] : [{ system: NHS_NUMBER_SYSTEM, value: number, ...(isTraced ? {} : { extension }) }]
  const { identifier: _, ...others } = patient
  return {
    ...others,
    ...(identifier.length === 0 ? {} : { identifier }),
    name: [{ family: family ?? 'O’Wren-Müller', given: ['Agnes'] }],
    birthDate: born ?? '1948-03-17',
    address: [{ postalCode: postcode ?? 'ZZ1 1AA' }]
  }
}

const VERIFICATION_STATUS = 'https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland'

const questions = (rig: IngestRig) =>
  rig.rows<{ rule: string; outcome: string }>(`select rule, outcome from pair_decision where decided_by = 'system'`)

const people = (rig: IngestRig, ids: (string | undefined)[]) =>
  rig.rows<{ patients: number; groups: number }>(
    `select count(distinct member.patient_key) as patients, count(distinct member.group_id) as groups
       from event_group_member member
      where record_id = any ($1)`,
    [ids]
  )

const copy = { system: GP, primarySource: false, occurrenceDateTime: '2026-10-10' }

const PAIRS: [string, Person, Person, boolean][] = [
  ['a number against none', { number: NUMBER }, {}, true],
  ['none against a number', {}, { number: NUMBER }, true],
  ['none against none', {}, {}, true],
  [
    'an untraced number against a traced one',
    { number: NUMBER },
    { number: syntheticNhsNumber(42), isTraced: false },
    true
  ],
  ['two traced numbers are two people', { number: NUMBER }, { number: syntheticNhsNumber(42) }, false],
  ['accents, apostrophes, hyphens and case', { family: "o'wren MULLER" }, { family: 'OWren-Müller' }, true],
  ['a postcode with and without a space', { postcode: 'zz11aa' }, { postcode: 'ZZ1 1AA' }, true],
  ['another family name', {}, { family: 'Wren' }, false],
  ['another date of birth', {}, { born: '1948-03-18' }, false],
  ['another postcode', {}, { postcode: 'ZZ1 1AB' }, false]
]

t.test('who may be one person is asked about, and never merged', async (t) => {
  for (const [name, first, second, isAsked] of PAIRS) {
    await t.test(name, async (t) => {
      const rig = await createIngestRig(t)
      const one = await rig.post(flu(first))
      const two = await rig.post(flu(second, copy), clientOf('gp'))

      t.same([one.status, two.status], [201, 201], rulesOf(two).join())
      t.equal(rulesOf(two).includes('possible-duplicate'), isAsked, rulesOf(two).join())
      t.same(await questions(rig), isAsked ? [{ rule: 'V8', outcome: 'possible' }] : [])
      t.same(await people(rig, [one.record?.recordId, two.record?.recordId]), [{ patients: 2, groups: 2 }])
    })
  }
})

t.test('nothing that names the person stands beside the record, nor in what is told', async (t) => {
  const rig = await createIngestRig(t)
  await rig.post(flu({}))
  const verdict = await rig.post(flu({}, copy), clientOf('gp'))

  t.notMatch(JSON.stringify(verdict.issues), /Wren|1948|ZZ1/i)
  const heads = await rig.rows('select row_to_json(record)::text as head from record')
  t.notMatch(JSON.stringify(heads), /Wren|1948|ZZ1/i)
  t.same(await rig.rows('select length(block_key) as length, count(*) from record group by 1'), [
    { length: 16, count: 2 }
  ])
})

t.test('a question is over when a record is deleted, and never raised about one entered in error', async (t) => {
  const rig = await createIngestRig(t)
  const one = await rig.post(flu({}))
  await rig.post(flu({}, copy), clientOf('gp'))
  t.equal((await questions(rig)).length, 1)

  await rig.remove(one.record!.recordId)
  t.same(await questions(rig), [])

  await rig.post(flu({}, { ...copy, status: 'entered-in-error', lotNumber: 'NEW1' }), clientOf('gp'))
  t.same(await questions(rig), [])
})

t.test('a record that gets its number moves to its patient, and is compared as any other', async (t) => {
  const rig = await createIngestRig(t)
  const one = await rig.post(flu({ number: NUMBER }))
  const two = await rig.post(flu({}, { ...copy, value: 'GP-1' }), clientOf('gp'))
  t.same(await questions(rig), [{ rule: 'V8', outcome: 'possible' }])
  const ids = [one.record?.recordId, two.record?.recordId]

  const corrected = flu({ number: NUMBER }, { ...copy, value: 'GP-1', id: ids[1]! })
  const moved = await rig.put(ids[1]!, 1, corrected, clientOf('gp'))

  t.equal(moved.status, 200, rulesOf(moved).join())
  t.ok(rulesOf(moved).includes('same-event-linked'))
  t.same(await people(rig, ids), [{ patients: 1, groups: 1 }])
  t.match(await questions(rig), [{ outcome: 'same', rule: /^D/ }])
})

t.test('a question between two patients outlives changes of their other records', async (t) => {
  const rig = await createIngestRig(t)
  const one = await rig.post(flu({ number: NUMBER }, { value: 'A', lotNumber: 'LOT1' }))
  await rig.post(flu({}, copy), clientOf('gp'))
  // Another record of the same event, which regroups the first.
  const school = { system: 'https://playground.example/v', primarySource: false, lotNumber: 'LOT1', value: 'S' }
  const mate = await rig.post(flu({ number: NUMBER, postcode: 'ZZ9 9ZZ' }, school), clientOf('school'))
  t.same(await people(rig, [one.record?.recordId, mate.record?.recordId]), [{ patients: 1, groups: 1 }])

  const across = () =>
    rig.rows(
      `select from pair_decision pair join record a on a.record_id = record_a join record b on b.record_id = record_b
        where a.patient_key <> b.patient_key`
    )
  t.equal((await across()).length, 1)
  await rig.remove(mate.record!.recordId, clientOf('school'))
  t.equal((await across()).length, 1)
})

t.test('two at once, in one group and in two processes, see one another', async (t) => {
  const rig = await createIngestRig(t)
  const other = await openIngest(t, rig.pool, rig.database)
  for (let round = 0; round < 5; round++) {
    const born = `1950-01-0${round + 1}`
    const writers = [rig, rig, other, other].map((door, n) =>
      door.post(flu({ born }, { ...copy, system: `${GP}/${n}`, value: uuidv7() }), clientOf(`gp-${n}`))
    )
    t.same(
      (await Promise.all(writers)).map(({ status }) => status),
      [201, 201, 201, 201]
    )
  }
  t.same(await rig.rows('select count(*) from pair_decision'), [{ count: 5 * 6 }], 'every pair, once')
})

t.test('a reviewer may part two such records, and joins them only once their number is corrected', async (t) => {
  const rig = await createIngestRig(t)
  const auditChainId = uuidv7()
  await rig.database.stores.audit.openChain(auditChainId, 'reviews')
  const reviews = createDuplicateReviews({
    database: rig.database,
    rules,
    destinations: TWO_DESTINATIONS,
    now: () => new Date(),
    newId: uuidv7,
    auditChainId,
    onCommitted: () => undefined
  })
  const one = await rig.post(flu({ number: NUMBER }))
  const two = await rig.post(flu({}, { ...copy, value: 'GP-1' }), clientOf('gp'))
  const [{ pairId } = { pairId: '' }] = (await reviews.list({ limit: 10 })).pairs
  const by = { actor: 'dr-adeyemi', reason: 'asked both' }

  t.match(await reviews.decide({ pairId, choice: 'same', ...by }), {
    kind: 'refused',
    why: 'patients-differ',
    message: /NHS number/
  })
  t.match(await reviews.show(pairId, 'dr-adeyemi'), { state: 'open', records: [{}, {}] })

  const decided = await reviews.decide({ pairId, choice: 'distinct', ...by })
  t.match(decided, { decision: { choice: 'distinct' } })
  await rig.put(two.record!.recordId, 1, flu({}, { ...copy, value: 'GP-1', lotNumber: 'AF3214B' }), clientOf('gp'))
  t.same(await questions(rig), [], 'and it stays decided')

  if ('kind' in decided) return t.fail('refused')
  await reviews.undo({ decisionId: decided.decision.decisionId, ...by })
  t.match((await reviews.list({ limit: 10 })).pairs, [{ state: 'open' }])
  t.same(await people(rig, [one.record?.recordId, two.record?.recordId]), [{ patients: 2, groups: 2 }])
})
