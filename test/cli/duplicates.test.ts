// Possible duplicates over HTTP and on the command line: listed, shown, decided, undone, rehearsed.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OperationOutcome } from 'fhir/r4.js'
import t from 'tap'
import type { Test } from 'tap'
import type {
  DecisionAnswer,
  DuplicateAnswer,
  DuplicatesAnswer,
  WeightsAnswer,
  Wire
} from '../../src/http/ops-answers.js'
import { fluByPharmacy, openIngest, clientOf } from '../support/ingest-rig.js'
import { syntheticNhsNumber } from '../support/synthetic.js'
import { findDescriptionFaults } from './described.js'
import { createRunner, openOps } from './open-ops.js'

const NHS_NUMBER = syntheticNhsNumber(51)
const UNKNOWN = '019ad6f0-0000-7000-8f01-0000000000ff'
const REASON = ['--reason', 'looked into both systems']
const WEIGHTS = await readFile(new URL('../../profiles/dedup/dedup-1.1.0.yaml', import.meta.url), 'utf8')

async function openDuplicates(t: Test) {
  const ops = await openOps(t)
  const rig = await openIngest(t, ops.pool, ops.database)
  for (const value of ['A', 'B']) await rig.post(fluByPharmacy({ value, nhsNumber: NHS_NUMBER }))
  const url = await ops.server.listen({ host: '127.0.0.1', port: 0 })
  const writer = await ops.bearer({ client: 'night-desk', scopes: ['ops/read', 'ops/write'], permissions: [] })
  const reader = await ops.bearer({ client: 'night-desk', scopes: ['ops/read'], permissions: [] })
  const ask = async <Answer>(method: 'GET' | 'POST', path: string, payload?: object, authorization = writer) => {
    const headers = { authorization, ...(payload === undefined ? {} : { 'content-type': 'application/json' }) }
    const answer = await ops.server.inject({
      method,
      url: path,
      headers,
      ...(payload === undefined ? {} : { payload })
    })
    const type = String(answer.headers['content-type']).replace(/;.*/, '')
    const faults = findDescriptionFaults(method, path, answer.statusCode, type, answer.json())
    t.same(faults, [], `${path} ${answer.statusCode} is as openapi.yaml says`)
    t.notOk(answer.body.includes(NHS_NUMBER), 'no number comes back out')
    return { status: answer.statusCode, body: answer.json<Wire<Answer>>() }
  }
  return { ...ops, rig, ask, reader, imms: createRunner({ url, token: writer.replace('Bearer ', '') }) }
}

const ruleOf = (body: unknown) => (body as OperationOutcome).issue[0]?.details?.coding?.at(-1)?.code

/** Weights under which nothing is merged without a person. */
function strictWeights(): string {
  return WEIGHTS.replace('version: dedup-1.1.0', 'version: dedup-9.0.0').replace(
    'maximumCandidates: 50',
    'maximumCandidates: 1'
  )
}

t.test('a pair is listed, shown, decided once and undone over HTTP', async (t) => {
  const { ask, reader } = await openDuplicates(t)

  const listed = await ask<DuplicatesAnswer>('GET', '/ops/duplicates')
  t.match(listed.body, { counts: [{ state: 'open', vaccineType: 'FLU', count: 1 }], next: null })
  const pair = `/ops/duplicates/${listed.body.pairs[0]!.pairId}`
  for (const query of ['?type=FLU&supplier=pharmacy', '?state=open&state=outdated&limit=1'])
    t.equal((await ask<DuplicatesAnswer>('GET', `/ops/duplicates${query}`)).body.pairs.length, 1, query)
  for (const query of ['?type=COVID', '?supplier=gp', '?state=merged'])
    t.equal((await ask<DuplicatesAnswer>('GET', `/ops/duplicates${query}`)).body.pairs.length, 0, query)
  for (const query of ['?state=closed', '?type=NONE', '?after=1', '?nhsNumber=9990000018'])
    t.equal((await ask('GET', `/ops/duplicates${query}`)).status, 400, query)
  t.equal((await ask<DuplicateAnswer>('GET', pair, undefined, reader)).body.asked.rule, 'V7')

  const body = { decision: 'same', reason: 'looked into both systems' }
  t.equal((await ask('POST', `${pair}/decide`, body, reader)).status, 403)
  for (const wrong of [{}, { ...body, decision: 'maybe' }, { ...body, reason: '' }, { ...body, reason: NHS_NUMBER }])
    t.same(ruleOf((await ask('POST', `${pair}/decide`, wrong)).body), 'ops-body', JSON.stringify(wrong))
  const decided = await ask<DecisionAnswer>('POST', `${pair}/decide`, body)
  const repeated = await ask<DecisionAnswer>('POST', `${pair}/decide`, body)
  const other = await ask('POST', `${pair}/decide`, { ...body, decision: 'distinct' })
  t.match(decided, { status: 200, body: { repeated: false, effect: { groupsAfter: 1 } } })
  t.match(repeated, { status: 200, body: { repeated: true, effect: null } })
  t.same([other.status, ruleOf(other.body)], [409, 'ops-pair-decided'])

  const undo = `/ops/duplicates/decisions/${decided.body.decision.decisionId}/undo`
  t.equal((await ask('POST', undo, { reason: 'two arms' })).status, 200)
  t.same(ruleOf((await ask('POST', undo, { reason: 'another reason' })).body), 'ops-decision-undone')
  t.equal((await ask('POST', `/ops/duplicates/decisions/${UNKNOWN}/undo`, { reason: 'none' })).status, 404)
  t.equal((await ask('POST', `/ops/duplicates/${UNKNOWN}/decide`, body)).status, 404)
  t.equal((await ask('GET', `/ops/duplicates/${UNKNOWN}`)).status, 404)
  t.equal((await ask('GET', '/ops/duplicates/nonsense')).status, 400)
})

t.test('pages of the list neither repeat nor lose a pair', async (t) => {
  const { ask, rig } = await openDuplicates(t)
  for (const value of ['C', 'D']) await rig.post(fluByPharmacy({ value, nhsNumber: NHS_NUMBER }))
  const all = (await ask<DuplicatesAnswer>('GET', '/ops/duplicates')).body.pairs.map(({ pairId }) => pairId)
  const seen: string[] = []
  let after = ''
  do {
    const { body } = await ask<DuplicatesAnswer>('GET', `/ops/duplicates?limit=4${after}`)
    seen.push(...body.pairs.map(({ pairId }) => pairId))
    after = body.next === null ? '' : `&after=${encodeURIComponent(body.next)}`
  } while (after !== '')
  t.equal(all.length, 6)
  t.same(seen, all)
})

t.test('imms duplicates leads from the list to a decision and back', async (t) => {
  const { imms } = await openDuplicates(t)

  const listed = await imms(['duplicates', 'list'])
  const [, pair = ''] = /^([0-9a-f-]{36}) /m.exec(listed.stdout) ?? []
  const shown = await imms(['duplicates', 'show', pair])
  const unreasoned = await imms(['duplicates', 'decide', pair, 'same'])
  const mistyped = await imms(['duplicates', 'decide', pair, 'maybe', ...REASON])
  const decided = await imms(['duplicates', 'decide', pair, 'wrong-patient', ...REASON])
  const refused = await imms(['duplicates', 'decide', pair, 'same', ...REASON])
  const [, id = ''] = /imms duplicates undo (\S+)/.exec(decided.stdout) ?? []
  const waiting = await imms(['duplicates', 'list', '--json'])
  const undone = await imms(['duplicates', 'undo', id, ...REASON])

  t.match(listed.stdout, /1 {2}open/)
  t.match(shown.stdout, /lotNumber .*\+30 {2}same/)
  t.match(shown.stdout, /V7 {2}Both come from the same system/)
  t.same([unreasoned.code, mistyped.code, decided.code, refused.code, undone.code], [2, 2, 0, 3, 0])
  t.match(JSON.parse(waiting.stdout), { pairs: [{ state: 'wrong-patient' }] })
  t.match((await imms(['duplicates', 'show', pair])).stdout, /wrong-patient undone/)
  for (const { stdout, stderr } of [listed, shown, decided, undone]) t.notOk(`${stdout}${stderr}`.includes(NHS_NUMBER))
})

t.test('rescore tells what other weights would change, and writes nothing', async (t) => {
  const { imms, ask, rig, pool } = await openDuplicates(t)
  for (const [value, client] of [
    ['E', 'gp'],
    ['F', 'school']
  ] as const)
    await rig.post(
      fluByPharmacy({ value, nhsNumber: syntheticNhsNumber(52), system: `https://${client}.example` }),
      clientOf(client)
    )
  for (const n of [53, 54]) await rig.post(fluByPharmacy({ nhsNumber: syntheticNhsNumber(n) }))
  const stored = async () => JSON.stringify((await pool.query('select * from event_group_member order by 1')).rows)
  const before = await stored()
  const folder = await mkdtemp(join(tmpdir(), 'imms-weights-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'dedup-9.0.0.yaml')
  await writeFile(file, strictWeights().replace('D1: 100', 'D1: 99').replace('equal: 15', 'equal: -200'))

  const ran = await imms(['duplicates', 'rescore', '--weights', file, '--since', '2020-01-01', '--json'])
  const told = JSON.parse(ran.stdout) as Wire<WeightsAnswer>

  t.equal(ran.code, 0, ran.stderr)
  t.match(told, {
    currentVersion: 'dedup-1.1.0',
    nextVersion: 'dedup-9.0.0',
    patients: 4,
    records: 6,
    total: 4,
    next: null
  })
  t.equal(await stored(), before)
  const words = await imms(['duplicates', 'rescore', '--weights', file, '--since', '2020-01-01'], { columns: 120 })
  t.match(words.stdout, /Nothing was written/)

  const page = { file: 'dedup-1.1.0.yaml', text: WEIGHTS, limit: 3 }
  const first = await ask<WeightsAnswer>('POST', '/ops/duplicates/rehearse', page)
  const rest = await ask<WeightsAnswer>('POST', '/ops/duplicates/rehearse', { ...page, after: first.body.next })
  t.same([first.body.patients, rest.body.patients, rest.body.next], [3, 1, null])
  t.same([first.body.changed, rest.body.changed], [0, 0], 'the same weights change nothing')
  for (const text of ['{', 'version: dedup-1.1.0', WEIGHTS.replace('same: 70', 'same: 7')]) {
    const { status, body } = await ask('POST', '/ops/duplicates/rehearse', { ...page, text })
    t.same([status, ruleOf(body)], [422, 'dedup-file'], text.slice(0, 20))
  }
  t.equal((await imms(['duplicates', 'rescore', '--weights', '/none.yaml', '--since', '1d'])).code, 2)
})

t.test('weights that merge more close reviews, and keep what reviewers decided', async (t) => {
  const { ask, rig } = await openDuplicates(t)
  const lotNumber = fluByPharmacy().lotNumber!
  const typo = `${lotNumber.slice(0, -1)}${lotNumber.endsWith('7') ? '4' : '7'}`
  for (const nhsNumber of [syntheticNhsNumber(55), syntheticNhsNumber(56)]) {
    await rig.post(fluByPharmacy({ nhsNumber, value: `G-${nhsNumber}` }))
    const echo = fluByPharmacy({ nhsNumber, value: `H-${nhsNumber}`, system: 'https://gp.example', lotNumber: typo })
    await rig.post(echo, clientOf('gp'))
  }
  const { pairs } = (await ask<DuplicatesAnswer>('GET', '/ops/duplicates?supplier=gp')).body
  t.equal(pairs.length, 2)
  await ask('POST', `/ops/duplicates/${pairs[0]!.pairId}/decide`, { decision: 'distinct', reason: 'two needles' })
  const text = WEIGHTS.replace('version: dedup-1.1.0', 'version: dedup-2.0.0').replace('Merge: false', 'Merge: true')

  const { body } = await ask<WeightsAnswer>('POST', '/ops/duplicates/rehearse', { file: 'dedup-2.0.0.yaml', text })

  t.match(body, { patients: 3, changed: 1, groupsBefore: 6, groupsAfter: 5, merged: 1, split: 0, newSurvivors: 0 })
  t.match(body, { reviewsOpened: 0, reviewsClosed: 1, decisions: 1, againstReviewers: 1 })
  t.same(body.examples.find(({ change }) => change === 'merged')?.recordIds.sort(), [...pairs[1]!.recordIds].sort())
})
