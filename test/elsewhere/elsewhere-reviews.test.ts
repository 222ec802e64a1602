// A record that the NHS API holds from others, and that may be one of ours: a person is asked, and what they say stays.
import type { Immunization } from 'fhir/r4.js'
import t from 'tap'
import type { Test } from 'tap'
import { uuidv7 } from 'uuidv7'
import { attachKnown } from '../../src/elsewhere/attach-known.js'
import { toTask } from '../../src/history/review-task.js'
import type { Decided } from '../../src/review/decide-pair.js'
import { createDuplicateReviews, type RefusedReview } from '../../src/review/duplicate-reviews.js'
import type { ReviewChoice } from '../../src/storage/review-store.js'
import { createElsewhereRig, CURIOUS, openSandbox, REGISTER } from '../support/elsewhere-rig.js'
import { fluByPharmacy, rules, rulesOf } from '../support/ingest-rig.js'

const BY = { actor: 'dr-adeyemi', reason: 'asked both pharmacies' }
const SENT = fluByPharmacy({ value: 'ours-1' })
const sandbox = await openSandbox(t)

/** The same day and product by another pharmacy, without a lot: a question, never a merge. */
function byAnother(changes: Partial<Immunization> = {}): Immunization {
  const { lotNumber: _lot, ...lotless } = fluByPharmacy({
    system: 'https://other-pharmacy.example/id',
    value: 'other-1'
  })
  return { ...(JSON.parse(JSON.stringify(lotless).replaceAll('"FZZ01"', '"FZZ02"')) as Immunization), ...changes }
}

async function setUp(t: Test) {
  const rig = await createElsewhereRig(t, sandbox)
  await rig.hold(byAnother())
  const recordId = (await rig.post(SENT, CURIOUS)).record!.recordId
  await rig.openLoop(t)
  await rig.settled()
  const auditChainId = uuidv7()
  await rig.database.stores.audit.openChain(auditChainId, 'reviews')
  const reviews = createDuplicateReviews({
    database: rig.database,
    rules,
    destinations: [],
    now: () => new Date(),
    newId: uuidv7,
    auditChainId,
    onCommitted: () => undefined
  })
  const lines = async () => (await reviews.list({ limit: 10, recordId })).pairs
  return {
    rig,
    reviews,
    recordId,
    lines,
    waiting: async () => (await reviews.list({ limit: 10 })).pairs,
    attached: async () => (await rig.settled()).map(({ attached }) => attached?.outcome),
    decide: async (choice: ReviewChoice) => reviews.decide({ pairId: (await lines())[0]!.pairId, choice, ...BY }),
    told: async () => rulesOf(await rig.post(SENT, CURIOUS)).filter((rule) => rule.includes('elsewhere')),
    lookAgain: () => rig.rows(`update elsewhere_lookup set wants = 'look', due_at = now()`)
  }
}

function done(answer: Decided | RefusedReview): Decided {
  if ('kind' in answer) throw new Error(`refused: ${answer.why}`)
  return answer
}

t.test('what may be one of ours is a Task for staff that names the source, with its points', async (t) => {
  const { rig, reviews, recordId, waiting } = await setUp(t)

  const [line, ...others] = await waiting()
  const shown = await reviews.show(line!.pairId, BY.actor)
  const served = (ops: boolean) =>
    rig.database.stores.served.reviews.find({
      seenBy: { client: 'pharmacy', vaccineTypes: ['FLU'], ops },
      filters: [{ kind: 'any-of', name: 'focus', anyOf: [recordId] }],
      descending: true,
      limit: 10
    })

  t.match(line, { kind: 'elsewhere', source: REGISTER, state: 'open', recordIds: [recordId], suppliers: ['pharmacy'] })
  t.same(others, [])
  t.match(shown, { source: REGISTER, records: [{ recordId }], asked: { rulesVersion: rules.dedup.version } })
  t.match(
    shown?.fields.find(({ element }) => element === 'performer'),
    { a: 'FZZ01', b: 'FZZ02', mark: 'different' }
  )
  const [row] = await served(true)
  t.match(toTask(row!, true), {
    status: 'requested',
    code: { coding: [{ code: 'review-possible-duplicate' }] },
    focus: { reference: `Immunization/${recordId}` },
    input: [
      { valueReference: { reference: `Immunization/${recordId}` } },
      { valueReference: { identifier: { value: 'other-1' }, display: `External: held by ${REGISTER}, read-only` } }
    ]
  })
  t.same(await served(false), [], 'a supplier is told by the answer, where it asked for that')
})

t.test('distinct stays distinct and same stays same, whatever is looked up or weighed again', async (t) => {
  const { rig, reviews, attached, waiting, decide, told, lookAgain } = await setUp(t)
  const stored = await rig.rows('select features, remote_id from elsewhere_record')
  const versions = () => rig.rows('select record_id, version from record_version')
  const before = await versions()
  const eager = {
    ...rules.dedup,
    version: 'dedup-9.0.0',
    outcomes: { ...rules.dedup.outcomes, same: -500, possible: -501 }
  }
  const rescore = () =>
    rig.database.transaction(async (stores) => {
      const [known] = await rig.rows<{ patient_key: string }>('select patient_key from elsewhere_record')
      const records = await stores.elsewhere.findOfPatient(known!.patient_key)
      const patient = { patientKey: known!.patient_key, before: records, records }
      await attachKnown(patient, stores, { rules: { dedup: eager }, now: () => new Date() })
    })

  t.match(await decide('wrong-patient'), { kind: 'refused', why: 'choice-unfit' })
  const distinct = done(await decide('distinct'))
  t.same([await attached(), await waiting(), await told()], [[undefined], [], []])
  await rescore()
  await lookAgain()
  t.same([await attached(), await waiting(), await told()], [[undefined], [], []])

  done(await reviews.undo({ decisionId: distinct.decision.decisionId, ...BY }))
  t.same([await attached(), await told()], [['possible'], ['possible-duplicate-elsewhere']])
  t.match(await waiting(), [{ state: 'open' }])

  t.match(done(await decide('same')).effect, { groupsBefore: 1, groupsAfter: 1, newSurvivors: 0, deliveries: 0 })
  await rescore()
  await lookAgain()
  t.same([await attached(), await waiting(), await told()], [['same'], [], ['held-elsewhere']])

  t.same(await rig.rows('select features, remote_id from elsewhere_record'), stored, 'it is as it was found')
  t.same(await versions(), before, 'and so are ours')
  t.same(await rig.rows('select from delivery'), [], 'nobody is sent anything')
  const trail = await rig.rows(`select action, actor from audit_entry where action like 'duplicate.%' order by at`)
  t.match(
    trail,
    ['decide', 'undo', 'decide'].map((act) => ({ action: `duplicate.${act}`, actor: BY.actor }))
  )
})

t.test(
  'a question is over once the register no longer has the record; a decision on what was corrected is outdated',
  async (t) => {
    const { rig, lines, waiting, attached, decide, lookAgain } = await setUp(t)
    await rig.hold()
    await lookAgain()
    t.same([await attached(), await waiting()], [[], []])

    await rig.hold(byAnother())
    await lookAgain()
    t.same(await attached(), ['possible'])
    done(await decide('distinct'))
    t.match(await lines(), [{ state: 'decided' }])
    await rig.hold(byAnother({ lotNumber: 'ZZ9999' }))
    await lookAgain()
    t.same(await attached(), [undefined], 'still in force')
    t.match(await waiting(), [{ state: 'outdated', source: REGISTER }])
  }
)
