// Possible duplicates: decided by a person, kept through everything that comes after, and given back to the rules.
import t from 'tap'
import { uuidv7 } from 'uuidv7'
import type { Decided } from '../../src/review/decide-pair.js'
import { createDuplicateReviews, type RefusedReview } from '../../src/review/duplicate-reviews.js'
import type { ReviewChoice } from '../../src/storage/review-store.js'
import { createDatabase } from '../../src/storage/database.js'
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

const BY = { actor: 'dr-adeyemi', reason: 'looked into both systems' }

async function openReviews(rig: IngestRig) {
  const auditChainId = uuidv7()
  await rig.database.stores.audit.openChain(auditChainId, 'reviews')
  return createDuplicateReviews({
    database: rig.database,
    rules,
    destinations: TWO_DESTINATIONS,
    now: () => new Date(),
    newId: uuidv7,
    auditChainId,
    onCommitted: () => undefined
  })
}

/** Two reports by one system on one day: a review (V7), never a merge. */
async function postDoubtful(rig: IngestRig) {
  const first = await post(rig, fluByPharmacy({ value: 'A' }))
  const second = await post(rig, fluByPharmacy({ value: 'B' }))
  return [first, second] as const
}

async function post(rig: IngestRig, resource: object, client = 'pharmacy'): Promise<string> {
  const verdict = await rig.post(resource, clientOf(client))
  if (verdict.status !== 201) throw new Error(`refused: ${rulesOf(verdict).join(', ')}`)
  return verdict.record!.recordId
}

async function setUp(t: Parameters<typeof createIngestRig>[0]) {
  const rig = await createIngestRig(t)
  const reviews = await openReviews(rig)
  const [first, second] = await postDoubtful(rig)
  const [line] = (await reviews.list({ limit: 10 })).pairs
  const pairId = line!.pairId
  const decide = async (choice: ReviewChoice, by = BY) => done(await reviews.decide({ pairId, choice, ...by }))
  const stateNow = async () => (await reviews.list({ limit: 10, recordId: first })).pairs.map(({ state }) => state)
  return { rig, reviews, first, second, pairId, decide, stateNow, groups: () => groupIdsOf(rig, [first, second]) }
}

function done(answer: Decided | RefusedReview): Decided {
  if ('kind' in answer) throw new Error(`refused: ${answer.why}`)
  return answer
}

/** How many event groups these records are in. */
async function groupIdsOf(rig: IngestRig, recordIds: readonly string[]): Promise<number> {
  const found = await rig.rows<{ groupId: string }>(
    'select distinct group_id as "groupId" from event_group_member where record_id = any ($1)',
    [recordIds]
  )
  return found.length
}

t.test('same joins two records, and undo gives the word back to the rules', async (t) => {
  const { rig, reviews, first, second, pairId, decide, stateNow, groups } = await setUp(t)
  t.equal(await groups(), 2)

  const { decision, effect } = await decide('same')

  t.equal(await groups(), 1)
  t.match(effect, { groupsBefore: 2, groupsAfter: 1, newSurvivors: 0 })
  t.same(await stateNow(), ['decided'])
  t.same((await reviews.list({ limit: 10 })).counts, [], 'nothing waits')
  t.match(await rig.rows('select decided_by, outcome, rules_version from pair_decision'), [
    { decided_by: BY.actor, outcome: 'same', rules_version: 'dedup-1.1.0' }
  ])
  const trail = await rig.rows<{ record_id: string; detail: string }>(
    `select record_id, detail from audit_entry where action = 'duplicate.decide' order by record_id`
  )
  t.same(
    trail.map((entry) => entry.record_id),
    [first, second].sort()
  )
  t.match(JSON.parse(trail[0]!.detail), { decisionId: decision.decisionId, choice: 'same', reason: BY.reason })

  const undone = done(await reviews.undo({ decisionId: decision.decisionId, actor: 'dr-b', reason: 'two arms' }))

  t.match(undone, { pairId, decision: { undoneBy: 'dr-b' }, effect: { groupsBefore: 1, groupsAfter: 2 } })
  t.equal(await groups(), 2)
  t.same(await stateNow(), ['open'], 'asked again')
  t.match(await rig.rows('select decided_by, outcome from pair_decision'), [
    { decided_by: 'system', outcome: 'possible' }
  ])
  t.same(await rig.database.stores.audit.findBrokenChains(), [])
})

t.test('distinct parts what the rules had merged, and the parted record is delivered', async (t) => {
  const rig = await createIngestRig(t)
  const reviews = await openReviews(rig)
  const kept = await post(rig, fluByPharmacy({ value: 'A' }))
  const merged = await post(rig, fluByPharmacy({ value: 'B', system: 'https://gp.example/imms' }), 'gp')
  t.equal(await groupIdsOf(rig, [kept, merged]), 1)
  const sentTo = async () =>
    (await rig.rows<{ destination: string }>(`select destination from delivery where record_id = $1`, [merged])).map(
      ({ destination }) => destination
    )
  t.same(await sentTo(), ['everything'])
  const [line] = (await reviews.list({ limit: 10, recordId: merged })).pairs
  t.equal(line?.state, 'merged')

  const { decision, effect } = done(await reviews.decide({ pairId: line!.pairId, choice: 'distinct', ...BY }))

  t.match(effect, { groupsBefore: 1, groupsAfter: 2, newSurvivors: 1, deliveries: 1 })
  t.same((await sentTo()).sort(), ['everything', 'survivors'])
  done(await reviews.undo({ decisionId: decision.decisionId, ...BY }))
  t.equal(await groupIdsOf(rig, [kept, merged]), 1, 'merged again')
})

t.test('a decision is said once: a repeat is answered alike, another one is refused', async (t) => {
  const { reviews, pairId, decide } = await setUp(t)
  const first = await decide('distinct')

  const again = await decide('distinct')
  t.match(again, { decision: { decisionId: first.decision.decisionId }, effect: null })
  t.match(await reviews.decide({ pairId, choice: 'same', ...BY }), { kind: 'refused', why: 'pair-decided' })
  t.match(await reviews.decide({ pairId, choice: 'distinct', actor: 'dr-b', reason: 'so I say' }), {
    why: 'pair-decided'
  })
  t.match(await reviews.decide({ pairId: uuidv7(), choice: 'same', ...BY }), { why: 'unknown-pair' })

  const { decisionId } = first.decision
  done(await reviews.undo({ decisionId, ...BY }))
  t.equal(done(await reviews.undo({ decisionId, ...BY })).effect, null)
  t.match(await reviews.undo({ decisionId, actor: 'dr-b', reason: 'no, mine' }), { why: 'decision-undone' })
  t.match(await reviews.undo({ decisionId: uuidv7(), ...BY }), { why: 'unknown-decision' })
  t.match(await decide('same'), { effect: { groupsAfter: 1 } }, 'and decided again')
})

t.test(
  'a decision outlives resends, regrouping and corrections; a correction of what was compared shows it again',
  async (t) => {
    const { rig, reviews, first, decide, stateNow, groups, pairId } = await setUp(t)
    const { decision } = await decide('same')

    await rig.post(fluByPharmacy({ value: 'A' }))
    await rig.put(first, 1, { ...fluByPharmacy({ value: 'A' }), id: first, recorded: '2026-10-12T09:00:00+01:00' })
    await post(rig, fluByPharmacy({ value: 'C', occurrenceDateTime: '2026-09-11' }))
    t.same([await groups(), ...(await stateNow()).slice(0, 1)], [1, 'decided'])

    const corrected = await rig.put(first, 2, { ...fluByPharmacy({ value: 'A' }), id: first, lotNumber: 'ZZ9999' })
    t.equal(corrected.status, 200)
    t.equal(await groups(), 1, 'it stays in force')
    t.match((await reviews.list({ limit: 10, states: ['outdated'] })).pairs, [{ pairId }])

    const anew = done(await reviews.decide({ pairId, choice: 'distinct', ...BY }))
    t.not(anew.decision.decisionId, decision.decisionId)
    t.equal(await groups(), 2)
    t.match((await reviews.show(pairId, 'dr-b'))?.decisions, [
      { choice: 'same', undoneBy: BY.actor },
      { choice: 'distinct', undoneAt: null }
    ])
  }
)

t.test('a wrong patient stays on the list until one of the records has left', async (t) => {
  const { rig, reviews, second, decide, stateNow, groups, pairId } = await setUp(t)

  await decide('wrong-patient')

  t.equal(await groups(), 2)
  t.match((await reviews.list({ limit: 10 })).pairs, [{ pairId, state: 'wrong-patient' }])
  await rig.remove(second)
  t.same(await stateNow(), ['decided'])
  t.same((await reviews.list({ limit: 10 })).pairs, [])
})

t.test('what another decision keeps apart cannot be joined through a third record', async (t) => {
  const { rig, reviews, first, second, decide } = await setUp(t)
  const third = await post(rig, fluByPharmacy({ value: 'C' }))
  const pairOf = async (a: string, b: string) =>
    (await reviews.list({ limit: 10, recordId: a })).pairs.find(({ recordIds }) => recordIds.includes(b))!.pairId
  const [left, right] = [await pairOf(first, third), await pairOf(second, third)]
  await decide('distinct')
  done(await reviews.decide({ pairId: left, choice: 'same', ...BY }))

  t.match(await reviews.decide({ pairId: right, choice: 'same', ...BY }), { why: 'pair-separated' })
  t.equal(await groupIdsOf(rig, [second, third]), 2, 'nothing was changed')
  t.match(await rig.rows(`select count(*)::integer as n from review_decision`), [{ n: 2 }])
})

t.test('side by side: differences are marked, points and rules are explained, nobody is named', async (t) => {
  const { rig, reviews, pairId, first, second } = await setUp(t)

  const shown = await reviews.show(pairId, 'dr-adeyemi')

  t.match(shown, {
    state: 'open',
    asked: { rule: 'V7', meaning: /same system/ },
    explanation: /^rules=dedup-1\.1\.0; cap=V7; score=\d+; date\+40/,
    records: [{ recordId: first }, { recordId: second }]
  })
  const rowOf = (name: string) => shown?.fields.find(({ element }) => element === name)
  t.match(rowOf('occurrence'), { a: '2026-10-10', mark: 'same', points: 40 })
  t.match(rowOf('lotNumber'), { mark: 'same', points: 30 })
  t.ok(shown?.rules.some(({ rule }) => rule === 'V7'))
  const [patient] = await rig.rows<{ nhs_number: string }>('select nhs_number from patient')
  t.notMatch(JSON.stringify(shown), patient!.nhs_number)
  t.equal((await rig.rows(`select 1 from audit_entry where action = 'duplicate.show'`)).length, 2)
  t.equal(await reviews.show(uuidv7(), 'dr-adeyemi'), undefined)
})

t.test('a decision holds while records of the patient arrive in two processes', async (t) => {
  const { rig, pairId, reviews, first, second } = await setUp(t)
  const other = await openIngest(t, rig.pool, createDatabase(rig.pool))
  const elsewhere = await openReviews(other)
  const arrive = (on: IngestRig, n: number) =>
    on.post(fluByPharmacy({ value: `race-${n}`, system: `https://race.example/${n}` }), clientOf(`supplier-${n}`))

  const [here, there, ...verdicts] = await Promise.all([
    reviews.decide({ pairId, choice: 'distinct', ...BY }),
    elsewhere.decide({ pairId, choice: 'distinct', ...BY }),
    ...Array.from({ length: 12 }, (_, n) => arrive(n % 2 === 0 ? rig : other, n))
  ])

  for (const verdict of verdicts) t.equal(verdict.status, 201)
  const answers = [done(here), done(there)]
  t.equal(answers[0]!.decision.decisionId, answers[1]!.decision.decisionId, 'one decision, answered twice')
  t.equal(answers.filter(({ effect }) => effect !== null).length, 1)
  t.equal(await groupIdsOf(rig, [first, second]), 2, 'apart, whoever came when')
  const doubtful = await rig.rows(
    `select member.group_id from event_group_member member
       join event_group grouped using (group_id)
      group by member.group_id, grouped.survivor_record_id
     having count(*) filter (where member.record_id = grouped.survivor_record_id) <> 1`
  )
  t.same(doubtful, [], 'every group has its survivor among its members')
  t.same(await rig.database.stores.audit.findBrokenChains(), [])
})
