// The oracle of the campaign: it must see what it is there to see.
import t from 'tap'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import { judgeDestinations, type Evidence, type Judged } from './judge.js'
import { groundFaultMakers } from './ground-faults.js'
import { planFaults } from './plan-faults.js'
import { FULL, QUICK, type Profile } from './profiles.js'
import { shortPlan } from './short-campaign.js'
import { planRecord, type SupplierVersion } from './supplier-record.js'

const VERSIONS: SupplierVersion[] = [
  { operation: 'create', lotNumber: 'C0V1' },
  { operation: 'update', lotNumber: 'C0V2' }
]
const record = { ...planRecord(0), id: 'record-0', versions: VERSIONS }

/** What the GP's mailbox took, by the ids of deliveries. */
function atGp(...requestIds: string[]): Pick<Evidence, 'journal'> {
  const destination: Judged = 'gp-record'
  const shared = { destination, method: 'POST', path: '/', recordKey: record.identifier, status: 202, at: '' }
  const journal = requestIds.map((requestId, place): JournalEntry => {
    return { ...shared, order: place + 1, requestId, applied: true }
  })
  return { journal }
}

function judgeGp(...requestIds: string[]) {
  const holdings = { 'nhs-immunisation-api': [], 'gp-record': [], 'eligibility-store': [] }
  const verdicts = judgeDestinations({ records: [record], holdings, hashSecret: 'secret', ...atGp(...requestIds) })
  const verdict = verdicts.find(({ destination }) => destination === 'gp-record')!
  return [verdict.missing.length, verdict.misordered.length, verdict.duplicates]
}

t.test('what is missing, out of order or there twice is seen', (t) => {
  t.same(judgeGp('1', '2'), [0, 0, 0], 'all is well')
  t.same(judgeGp('1'), [1, 0, 0], 'one is missing')
  t.same(judgeGp(), [1, 0, 0], 'none has arrived')
  t.same(judgeGp('2', '1'), [0, 1, 0], 'the first after the second')
  t.same(judgeGp('1', '1', '2'), [0, 0, 1], 'the first twice')
  t.same(judgeGp('1', '2', '1'), [0, 1, 1], 'the first again, after the second')
  t.end()
})

t.test('the national API and the store are asked what they hold in the end', (t) => {
  const [system, value] = record.identifier.split('#')
  const held = (lotNumber: string) => ({ isDeleted: false, resource: { lotNumber, identifier: [{ system, value }] } })
  const missingWith = (lotNumber: string, isDeleted = false): number => {
    const holdings = {
      'nhs-immunisation-api': [{ ...held(lotNumber), isDeleted }],
      'gp-record': [],
      'eligibility-store': []
    }
    const journal = atGp('1', '2').journal.map((entry) => ({ ...entry, destination: 'nhs-immunisation-api' as const }))
    const [nhs, , store] = judgeDestinations({ records: [record], journal, holdings, hashSecret: 'secret' })
    t.equal(store?.missing.length, 1, 'the store has no totals')
    return nhs!.missing.length
  }
  t.equal(missingWith('C0V2'), 0)
  t.equal(missingWith('C0V1'), 1, 'an older version')
  t.equal(missingWith('C0V2', true), 1, 'deleted')
  t.end()
})

t.test('a FHIR server is judged where the campaign has one, by what came and what is there', (t) => {
  const [system, value] = record.identifier.split('#')
  const identifier = [{ system, value }]
  const judge = (journal: Evidence['journal'], held: object[]) => {
    const holdings = { 'nhs-immunisation-api': [], 'eligibility-store': [], 'fhir-rest': held }
    const verdicts = judgeDestinations({ records: [record], journal, holdings, hashSecret: 'secret' })
    const { missing, misordered } = verdicts.find(({ destination }) => destination === 'fhir-rest')!
    return [missing.length, misordered.length]
  }
  const sent = (...ids: string[]) =>
    atGp(...ids).journal.map((entry) => ({ ...entry, destination: 'fhir-rest' as const }))
  const held = (lotNumber: string, isDeleted = false) => ({ isDeleted, resource: { lotNumber, identifier } })

  t.same(judge(sent('1', '2'), [held('C0V2')]), [0, 0])
  t.same(judge(sent('1', '2'), [held('C0V1', true), held('C0V2')]), [0, 0], 'deleted before, and made again')
  t.same(judge(sent('1', '2'), [held('C0V1')]), [1, 0], 'an older version')
  t.same(judge(sent('1'), []), [2, 0], 'one has not arrived, and nothing is there')
  t.same(judge(sent('2', '1'), [held('C0V1')]), [1, 1], 'the first after the second')
  const without = judgeDestinations({ records: [record], journal: [], holdings: {}, hashSecret: 'secret' })
  t.notOk(without.some(({ destination }) => destination === 'fhir-rest'))
  t.end()
})

t.test('receivers that others change are contested in the full campaign, and the quick one has none', (t) => {
  const faultsIn = (profile: Profile) =>
    planFaults({ seed: 1, durationMs: 600_000, engine: 'redis', counts: { api: 2, relay: 2, worker: 3 }, profile })
      .map(({ fault }) => (fault.kind === 'receiver' ? [fault.setting['mode'], fault.destination] : []))
      .filter(([mode]) => ['conflict', 'duplicate', 'expired'].includes(String(mode)))
  const modes = new Set(faultsIn(FULL).map(([mode]) => mode))
  t.same([...modes].sort(), ['conflict', 'duplicate', 'expired'])
  t.ok(faultsIn(FULL).every(([, destination]) => FULL.contested.some((one) => one === destination)))
  t.same(faultsIn(QUICK), [])
  t.end()
})

t.test('where only the latest version is sent, earlier ones may be left out, the last may not', (t) => {
  const [system, value] = record.identifier.split('#')
  const judgeNhs = (held: { lotNumber: string; isDeleted?: boolean }[], ...ids: string[]) => {
    const holdings = {
      'nhs-immunisation-api': held.map(({ lotNumber, isDeleted = false }) => {
        return { isDeleted, resource: { lotNumber, identifier: [{ system, value }] } }
      }),
      'gp-record': [],
      'eligibility-store': []
    }
    const journal = atGp(...ids).journal.map((entry) => ({ ...entry, destination: 'nhs-immunisation-api' as const }))
    const [nhs] = judgeDestinations({ records: [record], journal, holdings, hashSecret: 'secret' })
    return [nhs!.skipped, nhs!.missing.length, nhs!.misordered.length]
  }
  t.same(judgeNhs([{ lotNumber: 'C0V2' }], '1', '2'), [0, 0, 0])
  t.same(judgeNhs([{ lotNumber: 'C0V2' }], '2'), [1, 0, 0], 'the first was never sent')
  t.same(judgeNhs([{ lotNumber: 'C0V1' }], '1'), [1, 1, 0], 'the last was never sent')
  t.same(judgeNhs([{ lotNumber: 'C0V2' }], '2', '1'), [0, 0, 1], 'the first after the second')
  t.same(judgeNhs([], ...[]), [2, 1, 0], 'none has arrived')
  t.same(judgeNhs([{ lotNumber: 'C0V2' }], '1', '2', '3'), [0, 1, 0], 'one that nobody was promised')
  t.end()
})

t.test('a seed gives the same faults again, and another seed others', (t) => {
  const plan = (seed: number) =>
    planFaults({
      seed,
      durationMs: 600_000,
      engine: 'redis',
      counts: { api: 2, relay: 2, worker: 3 },
      profile: FULL
    })
  t.same(plan(1), plan(1))
  t.notSame(plan(1), plan(2))
  const kinds = new Set(plan(1).map(({ fault }) => fault.kind))
  t.equal(kinds.size, 13, 'every kind comes')
  t.end()
})

t.test('the campaigns of the tests break everything that the service stands on', (t) => {
  for (const engine of ['redis', 'postgres'] as const) {
    const ground = groundFaultMakers(shortPlan(engine), ([from]) => from).map((make) => make().kind)
    const wanted = [...ground, 'kill', 'roll', 'postgres-crash', ...(engine === 'redis' ? ['redis-flush'] : [])]
    const leftOut = (seed?: number): string[] => {
      const kinds = planFaults(shortPlan(engine, seed)).map(({ fault }) => fault.kind)
      // Two kinds of open transaction.
      const counts = (kind: string) => [wanted, kinds].map((list) => list.filter((one) => one === kind).length)
      return wanted.filter((kind) => counts(kind)[1]! < counts(kind)[0]!)
    }
    const seeds = Array.from({ length: 500 }, (_, seed) => seed).filter((seed) => leftOut(seed).length === 0)
    t.same(leftOut(), [], `on ${engine}; seeds that leave nothing out: ${seeds.slice(0, 5).join(', ')}`)
  }
  t.end()
})
