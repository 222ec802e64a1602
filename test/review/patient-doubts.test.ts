// A refused submission puts a record under another patient: staff are asked whose it is, once, and decide with a reason.
import t from 'tap'
import { uuidv7 } from 'uuidv7'
import { createBlocks } from '../../src/dedup/patient-block.js'
import { createTogether } from '../../src/ingest/together.js'
import { createPreview } from '../../src/ingest/preview.js'
import type { Decided } from '../../src/review/decide-pair.js'
import { createDuplicateReviews, type RefusedReview } from '../../src/review/duplicate-reviews.js'
import type { ReviewChoice } from '../../src/storage/review-store.js'
import {
  clientOf,
  createIngestRig,
  fluByPharmacy,
  payloadOf,
  rules,
  TWO_DESTINATIONS,
  type IngestRig
} from '../support/ingest-rig.js'
import { syntheticNhsNumber } from '../support/synthetic.js'

const [OWN, OTHER, THIRD] = [syntheticNhsNumber(31), syntheticNhsNumber(32), syntheticNhsNumber(33)]
const TRUSTED = { ...clientOf('pharmacy'), patientCorrections: true }
const BY = { actor: 'dr-adeyemi', reason: 'asked the practice' }

const flu = (nhsNumber: string, value = 'A') => fluByPharmacy({ value, nhsNumber })

function partsOf(auditChainId: string) {
  return {
    rules,
    blockOf: createBlocks(Buffer.alloc(32, 7)),
    destinations: TWO_DESTINATIONS,
    now: () => new Date(),
    newId: uuidv7,
    auditChainId,
    onCommitted: () => undefined
  }
}

async function openReviews(rig: IngestRig) {
  const auditChainId = uuidv7()
  await rig.database.stores.audit.openChain(auditChainId, 'reviews')
  return { auditChainId, ...createDuplicateReviews({ database: rig.database, ...partsOf(auditChainId) }) }
}

async function setUp(t: Parameters<typeof createIngestRig>[0]) {
  const rig = await createIngestRig(t)
  const reviews = await openReviews(rig)
  const id = (await rig.post(flu(OWN))).record!.recordId
  const waiting = async () => (await reviews.list({ limit: 10 })).pairs
  const decide = async (choice: ReviewChoice, by = BY) =>
    reviews.decide({ pairId: (await reviews.list({ limit: 10, recordId: id })).pairs[0]!.pairId, choice, ...by })
  const tasks = (ops: boolean, client = 'pharmacy') =>
    rig.database.stores.served.reviews.find({
      seenBy: { client, vaccineTypes: ['FLU'], ops },
      filters: [],
      descending: false,
      limit: 10
    })
  return { rig, reviews, id, waiting, decide, tasks }
}

function done(answer: Decided | RefusedReview): Decided {
  if ('kind' in answer) throw new Error(`refused: ${answer.why}`)
  return answer
}

t.test('a record that is sent for another patient is a question for staff, once for each patient named', async (t) => {
  const { rig, reviews, id, waiting, tasks } = await setUp(t)

  const refused = [
    await rig.put(id, 1, flu(OTHER)),
    await rig.put(id, 1, flu(OTHER)),
    await rig.post(flu(OTHER)),
    await rig.put(id, 1, flu(OTHER), clientOf('pharmacy'), 'registered under a namesake')
  ]

  t.same(
    refused.map(({ status }) => status),
    [409, 409, 409, 403]
  )
  const [line, ...others] = await waiting()
  t.match(line, { kind: 'patient', state: 'open', recordIds: [id], suppliers: ['pharmacy'], rule: 'identity-change' })
  t.same([line?.vaccineTypes, others], [['FLU'], []])
  const shown = await reviews.show(line!.pairId, 'dr-adeyemi')
  const [other] = await rig.rows<{ key: string }>('select patient_key as key from patient where nhs_number = $1', [
    OTHER
  ])
  t.match(shown, { kind: 'patient', proposedKey: other?.key, records: [{ recordId: id }], fields: [], decisions: [] })
  t.notMatch(JSON.stringify([line, shown]), new RegExp(`${OWN}|${OTHER}`))
  t.match(await tasks(true), [{ kind: 'patient', second: null, proposedKey: other?.key }])
  t.same(await tasks(false), [], 'the supplier learns nothing of it')

  await rig.put(id, 1, flu(THIRD))
  t.equal((await waiting()).length, 2, 'a third patient is another question')
  t.same(await rig.rows('select version from record_version'), [{ version: 1 }])
})

t.test('other changes, other clients and rehearsals raise no question', async (t) => {
  const { rig, reviews, id, waiting } = await setUp(t)

  await rig.put(id, 7, flu(OTHER))
  await rig.put(id, 1, flu(OTHER), clientOf('school'))
  await rig.post(flu(OTHER), clientOf('school'))
  await rig.post(fluByPharmacy({ value: 'A', nhsNumber: OWN, occurrenceDateTime: '2026-09-20T10:00:00+01:00' }))
  const preview = createPreview({ database: rig.database, judges: rules, ...partsOf(reviews.auditChainId) })
  const common = { caller: clientOf('pharmacy'), requestId: uuidv7(), receivedAt: new Date() }
  const rehearsed = await preview.rehearse({
    kind: 'update',
    recordId: id,
    ifMatch: [1],
    payload: payloadOf(flu(OTHER)),
    ...common
  })

  t.equal(rehearsed.status, 409)
  t.same(await waiting(), [])
})

t.test('of a transaction that is refused the question stays, and nothing else', async (t) => {
  const { rig, reviews, id, waiting } = await setUp(t)
  const together = createTogether({ database: rig.database, judges: rules, ...partsOf(reviews.auditChainId) })
  const common = { caller: clientOf('pharmacy'), requestId: uuidv7(), receivedAt: new Date() }

  const outcome = await together.accept(
    [
      { kind: 'create', payload: payloadOf(flu(THIRD, 'B')), ...common },
      { kind: 'update', recordId: id, ifMatch: [1], payload: payloadOf(flu(OTHER)), ...common }
    ],
    () => Promise.resolve(undefined)
  )

  t.equal(outcome.kind, 'refused')
  t.match(await waiting(), [{ kind: 'patient', recordIds: [id] }])
  t.same(await rig.rows('select record_id as id from record'), [{ id }])
})

t.test('wrong-patient waits until the record has left; right-patient dismisses; undo asks again', async (t) => {
  const { rig, reviews, id, waiting, decide, tasks } = await setUp(t)
  await rig.put(id, 1, flu(OTHER))

  t.match(await decide('same'), { kind: 'refused', why: 'choice-unfit' })
  const dismissed = done(await decide('right-patient'))
  t.match(dismissed, { decision: { choice: 'right-patient', recordA: id, recordB: null, ...{ reason: BY.reason } } })
  t.match(dismissed.effect, { groupsBefore: 1, groupsAfter: 1, newSurvivors: 0, deliveries: 0 })
  t.equal(done(await decide('right-patient')).effect, null, 'said again')
  t.match(await decide('wrong-patient'), { kind: 'refused', why: 'pair-decided' })
  await rig.put(id, 1, flu(OTHER))
  t.same(await waiting(), [], 'what was dismissed is not asked again by a retry')
  t.match(await tasks(true), [{ state: 'decided', choice: 'right-patient', decidedBy: 'dr-adeyemi', version: 2 }])

  const undone = done(await reviews.undo({ decisionId: dismissed.decision.decisionId, ...BY }))
  t.match(undone, { decision: { undoneBy: 'dr-adeyemi' } })
  t.match(await waiting(), [{ state: 'open' }])
  const decided = done(await decide('wrong-patient'))
  t.match(await waiting(), [{ state: 'wrong-patient' }])
  t.equal((await rig.put(id, 1, flu(OTHER), TRUSTED, 'a namesake')).status, 200)
  t.same(await waiting(), [], 'it has left the patient')
  t.match(await tasks(true), [{ state: 'decided', choice: 'wrong-patient' }])

  const trail = await rig.rows<{ action: string }>(
    `select action, actor, record_id, detail::json ->> 'reason' as reason from audit_entry
      where action like 'duplicate.%' order by at, action`
  )
  t.same(
    trail.map(({ action }) => action),
    ['duplicate.decide', 'duplicate.undo', 'duplicate.decide']
  )
  t.match(trail, Array(3).fill({ actor: 'dr-adeyemi', record_id: id, reason: BY.reason }))
  t.equal(decided.pairId, dismissed.pairId)
})

t.test(
  'a question is over once the record is gone, or the two numbers are one patient; a merge takes it along',
  async (t) => {
    const { rig, id, waiting } = await setUp(t)
    await rig.put(id, 1, flu(OTHER))
    await rig.put(id, 1, flu(THIRD))
    t.equal((await waiting()).length, 2)

    const merged = await rig.merges.merge({
      superseded: OWN,
      successor: OTHER,
      actor: 'dr-adeyemi',
      reason: 'PDS replaced the number',
      confirmCount: 1
    })
    t.notMatch(merged, { kind: 'refused' })
    t.equal((await waiting()).length, 1, 'the two were one patient')
    await rig.remove(id)
    t.same(await waiting(), [])
  }
)
