// Records that the NHS API holds from others: looked up after acceptance, told of, and never ours.
import type { Immunization } from 'fhir/r4.js'
import t from 'tap'
import { createBlocks } from '../../src/dedup/patient-block.js'
import { explainRecord } from '../../src/delivery/explain.js'
import type { RecordSearch } from '../../src/delivery/destination.js'
import { findRecords } from '../../src/delivery/nhs/find-records.js'
import { toLinkage } from '../../src/history/linkage.js'
import { createPreview } from '../../src/ingest/preview.js'
import { uuidv7 } from 'uuidv7'
import { createElsewhereRig, CURIOUS, openSandbox, REGISTER } from '../support/elsewhere-rig.js'
import { clientOf, fluByPharmacy, payloadOf, readFixture, rules, rulesOf } from '../support/ingest-rig.js'
import { waitFor } from '../support/wait-for.js'

const NUMBER = '9990013675'
const sandbox = await openSandbox(t)

/** The practice's copy of the pharmacy's jab, as the NHS API got it from the GP system. */
function copyElsewhere(value: string, changes: Partial<Immunization> = {}, nhsNumber = NUMBER): Immunization {
  const copy = JSON.parse(
    JSON.stringify(readFixture('flu-gp-copy-same-lot.json')).replaceAll(NUMBER, nhsNumber)
  ) as Immunization
  return { ...copy, identifier: [{ system: 'https://gp-elsewhere.example/id', value }], ...changes }
}

t.test('a report of the same jab that the NHS API holds is found afterwards, and told of', async (t) => {
  const rig = await createElsewhereRig(t, sandbox)
  await rig.hold(copyElsewhere('copy-1'))
  const sent = fluByPharmacy({ value: 'told-1' })
  const first = await rig.post(sent, CURIOUS)
  t.same([first.status, rulesOf(first).includes('held-elsewhere')], [201, false], 'nobody has looked yet')

  const loop = await rig.openLoop(t)
  const [held, ...others] = await rig.settled()
  t.same(others, [])
  t.match(held, { source: REGISTER, attached: { outcome: 'same' }, vaccineType: 'FLU' })

  const again = await rig.post(sent, CURIOUS)
  t.equal(again.status, 200)
  t.match(
    again.issues.find(({ rule }) => rule === 'held-elsewhere'),
    { severity: 'information', diagnostics: /source=nhs-immunisation-api$/ }
  )
  t.notOk(rulesOf(await rig.post(sent)).includes('held-elsewhere'), 'a client without the setting is not told')

  const recordId = first.record?.recordId ?? ''
  const story = await rig.database.stores.ops.findRecordStory(recordId)
  const { elsewhere } = explainRecord(story!, new Date()).event
  t.match(elsewhere, [{ source: REGISTER, outcome: 'same', sentence: /holds the same jab from another system/ }])

  const { linkages } = rig.database.stores.served
  const seenBy = { client: 'gp-practice', vaccineTypes: ['FLU' as const], ops: false }
  const rows = await linkages.find({ filters: [], seenBy, limit: 10, descending: true })
  const linkage = toLinkage(rows[0]!)
  t.match(linkage.item, [
    { type: 'source', resource: { reference: `Immunization/${recordId}` } },
    { type: 'historical', resource: { identifier: { value: 'copy-1' }, display: /^External/ } }
  ])
  t.same(await rig.rows('select from delivery'), [], 'nothing of it is sent anywhere')
  t.equal((await rig.rows('select from record')).length, 1, 'it is no record of ours')
  t.match(loop.lines, [{ line: 'elsewhere.looked' }])
  t.notMatch(JSON.stringify(loop.lines), new RegExp(`${NUMBER}|copy-1`), 'nothing of the patient is logged')
})

t.test('our own records that the NHS API got from us are recognised', async (t) => {
  const rig = await createElsewhereRig(t, sandbox)
  const sent = fluByPharmacy({ value: 'own-1' })
  await rig.hold(sent, copyElsewhere('copy-2'))
  await rig.post(sent, CURIOUS)
  await rig.openLoop(t)
  t.same(
    (await rig.settled()).map(({ identifier }) => identifier.value),
    ['copy-2']
  )

  const copy = copyElsewhere('copy-2')
  t.equal((await rig.post(copy, clientOf('gp-system'))).status, 201)
  t.same(await rig.settled(), [], 'one that its sender reports here too is ours from then on')
})

t.test('only a client with the setting, and a number that was traced, make anybody ask', async (t) => {
  const rig = await createElsewhereRig(t, sandbox)
  await rig.post(fluByPharmacy({ value: 'quiet-1' }))
  const unverified = JSON.stringify(fluByPharmacy({ value: 'quiet-2' })).replace(
    `"value":"${NUMBER}"`,
    `"value":"${NUMBER}","extension":[{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus","valueCodeableConcept":{"coding":[{"system":"https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland","code":"02"}]}}]`
  )
  const doubtful = await rig.post(JSON.parse(unverified) as Immunization, CURIOUS)
  t.equal(doubtful.status, 201, rulesOf(doubtful).join())
  t.same(await rig.rows('select from elsewhere_lookup'), [])
})

t.test('what may be the same jab, and what is another one, count in $validate and in what follows', async (t) => {
  const rig = await createElsewhereRig(t, sandbox)
  const { lotNumber, ...lotless } = fluByPharmacy({ system: 'https://other-pharmacy.example/id', value: 'other-1' })
  t.ok(lotNumber)
  await rig.hold(JSON.parse(JSON.stringify(lotless).replaceAll('"FZZ01"', '"FZZ02"')) as Immunization)
  await rig.post(fluByPharmacy({ value: 'possible-1' }), CURIOUS)
  await rig.openLoop(t)
  t.match(await rig.settled(), [{ attached: { outcome: 'possible' } }])

  const preview = createPreview({
    database: rig.database,
    judges: rules,
    rules,
    blockOf: createBlocks(Buffer.alloc(32, 7)),
    destinations: [],
    now: () => new Date(),
    newId: uuidv7
  })
  t.teardown(() => preview.close())
  const rehearse = async (permissions?: string[]) => {
    const caller = { ...clientOf('pharmacy', permissions), existingRecords: true }
    const payload = payloadOf(fluByPharmacy({ value: 'possible-2' }))
    const common = { caller, requestId: uuidv7(), receivedAt: new Date() }
    return (await preview.rehearse({ kind: 'create', payload, ...common })).issues.map(({ rule }) => rule)
  }
  t.ok((await rehearse()).includes('possible-duplicate-elsewhere'))
  t.notOk((await rehearse(['FLU.C'])).includes('possible-duplicate-elsewhere'), 'not to one who may not read')
})

t.test(
  'what the NHS API answers is read with care, and what is left out is logged without what it holds',
  async (t) => {
    const shown = (value: string, nhsNumber: string): Immunization => ({
      ...copyElsewhere(value),
      contained: [],
      id: value,
      patient: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: nhsNumber } }
    })
    const read = (entry: unknown, isComplete = true): Promise<RecordSearch> => {
      const resource = { resourceType: 'Bundle', type: 'searchset', entry }
      const answer = { status: 200, headers: {}, text: '', isComplete, resource }
      return findRecords(
        { nhsNumber: NUMBER, vaccineType: 'FLU' },
        {
          api: { findByPatient: () => Promise.resolve({ kind: 'answer', answer }) },
          trace: {
            requestId: 'r',
            correlationId: 'c',
            signal: AbortSignal.timeout(1_000),
            takeTurn: () => Promise.resolve()
          },
          now: () => new Date()
        }
      )
    }
    const outcome = (code: string) => ({
      resource: { resourceType: 'OperationOutcome', issue: [{ severity: 'warning', code }] }
    })
    const mixed = await read([
      { resource: shown('right', NUMBER) },
      { resource: shown('stranger', '9990016410') },
      { resource: { ...shown('broken', NUMBER), identifier: [{ system: 7 }] } },
      { resource: { ...shown('covid', NUMBER), protocolApplied: [] } },
      { resource: { resourceType: 'Patient', id: NUMBER } },
      null,
      outcome('invalid')
    ])
    t.match(mixed, { kind: 'found', records: [{ remoteId: 'right' }], foreign: 1, unreadable: 2 })
    t.match(await read([outcome('unauthorized')]), { kind: 'refused' }, 'a narrower answer is none')
    t.match(await read([], false), { kind: 'unavailable' })
    t.match(await read({}), { kind: 'unavailable' })
    t.match(await read(Array.from({ length: 501 }, () => ({ resource: shown('x', NUMBER) }))), { kind: 'refused' })

    const rig = await createElsewhereRig(t, sandbox)
    await rig.post(fluByPharmacy({ value: 'foreign-2' }), CURIOUS)
    const loop = await rig.openLoop(t, {}, { name: REGISTER, findRecords: () => Promise.resolve(mixed) })
    t.same(
      (await rig.settled()).map(({ identifier }) => identifier.value),
      ['right']
    )
    t.match(
      loop.lines.find(({ line }) => line === 'elsewhere.left_out'),
      { fields: { foreign: 1, unreadable: 2 } }
    )
    t.notMatch(JSON.stringify(loop.lines), /stranger|999001/)
  }
)

t.test('a record of another patient is left out, and so is one that cannot be placed', async (t) => {
  const rig = await createElsewhereRig(t, sandbox)
  const stranger = copyElsewhere('stranger', {}, '9990016410')
  await rig.hold(copyElsewhere('copy-3'))
  await rig.post(fluByPharmacy({ value: 'foreign-1' }), CURIOUS)
  await rig.hold(copyElsewhere('copy-3'), { ...copyElsewhere('dateless'), occurrenceDateTime: '' }, stranger)
  await rig.openLoop(t)
  t.same(
    (await rig.settled()).map(({ identifier }) => identifier.value),
    ['copy-3']
  )
})

t.test('records that vanish there are gone here at the next look', async (t) => {
  const rig = await createElsewhereRig(t, sandbox)
  await rig.hold(copyElsewhere('copy-4'))
  await rig.post(fluByPharmacy({ value: 'vanish-1' }), CURIOUS)
  await rig.openLoop(t)
  t.equal((await rig.settled()).length, 1)
  const [before] = await rig.rows<{ revision: number }>('select revision from event_group')
  await rig.hold()
  await rig.rows(`update elsewhere_lookup set wants = 'look', due_at = now()`)
  t.same(await rig.settled(), [])
  const [after] = await rig.rows<{ revision: number }>('select revision from event_group')
  t.equal((after?.revision ?? 0) - (before?.revision ?? 0), 1, 'whoever has the Linkage sees that it changed')
})

t.test('a correction parts what was one event; a fresh look-up is not asked again', async (t) => {
  const rig = await createElsewhereRig(t, sandbox)
  await rig.hold(copyElsewhere('copy-5'))
  const sent = fluByPharmacy({ value: 'correct-1' })
  const { record } = await rig.post(sent, CURIOUS)
  await rig.openLoop(t)
  t.match(await rig.settled(), [{ attached: { outcome: 'same' } }])
  const asked = (await rig.searches()).length
  await rig.put(record?.recordId ?? '', 1, { ...sent, lotNumber: 'ZZ9999Q' })
  const [held] = await rig.settled()
  t.not(held?.attached?.outcome, 'same', 'other lots are other jabs')
  t.equal((await rig.searches()).length, asked, 'nobody was asked for that')
})

t.test('nothing waits for the NHS API: slow, down, limited, refusing or garbled, it is asked again', async (t) => {
  const rig = await createElsewhereRig(t, sandbox)
  await rig.hold(copyElsewhere('copy-6'))
  const modes = [
    { mode: 'slow', delayMs: 400, when: 'before' },
    { mode: 'down' },
    { mode: 'limited', retryAfterSeconds: 0 },
    { mode: 'garbled' },
    { mode: 'reset', when: 'before' },
    { mode: 'refuse' },
    { mode: 'credentials' }
  ]
  const loop = await rig.openLoop(t, { timeoutMs: 200 })
  for (const [index, mode] of modes.entries()) {
    await rig.rows('delete from elsewhere_lookup')
    await rig.rows('delete from elsewhere_record')
    await rig.set(mode)
    const accepted = await rig.post(fluByPharmacy({ value: `faulty-${index}`, nhsNumber: NUMBER }), CURIOUS)
    t.equal(accepted.status, 201, mode.mode)
    loop.wake()
    await waitFor(
      async () => (await rig.rows('select from elsewhere_lookup where tries > 0 and problem is not null')).length === 1,
      `a look-up to fail while it is ${mode.mode}`
    )
    t.same(await rig.rows('select from elsewhere_record'), [], `${mode.mode}: nothing was taken for an answer`)
    await rig.set({ mode: 'up' })
    t.equal((await rig.settled()).length, 1, `${mode.mode}: it was asked again`)
  }
  t.notMatch(JSON.stringify(loop.lines), new RegExp(NUMBER))
})

t.test('two processes ask once, and what one left behind the next takes up', async (t) => {
  const rig = await createElsewhereRig(t, sandbox)
  await rig.hold(copyElsewhere('copy-7'))
  await rig.post(fluByPharmacy({ value: 'twice-1' }), CURIOUS)
  const [dead] = await rig.database.stores.elsewhere.claim({ limit: 5, leaseMs: 100, mayAsk: true })
  t.ok(dead, 'a process took it, and died')

  await Promise.all([rig.openLoop(t), rig.openLoop(t), rig.openLoop(t)])
  t.equal((await rig.settled()).length, 1)
  t.equal((await rig.searches()).length, 1)
  t.equal(await rig.database.stores.elsewhere.finish(dead!), false, 'the dead one cannot end it any more')
})

t.test('a merged number is looked up under its successor', async (t) => {
  const rig = await createElsewhereRig(t, sandbox)
  const successor = '9990016410'
  await rig.hold(copyElsewhere('old'), copyElsewhere('new', {}, successor))
  await rig.post(fluByPharmacy({ value: 'merge-1' }), CURIOUS)
  await rig.openLoop(t)
  t.same(
    (await rig.settled()).map(({ identifier }) => identifier.value),
    ['old']
  )
  await rig.merges.merge({ superseded: NUMBER, successor, actor: 'ops', reason: 'PDS replaced it', confirmCount: 1 })
  t.match(await rig.settled(), [{ identifier: { value: 'new' }, attached: { outcome: 'same' } }])
})
