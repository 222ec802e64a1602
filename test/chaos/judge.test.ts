// The oracle of the campaign: it must see what it is there to see.
import t from 'tap'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import { judgeDestinations, type Evidence, type Judged } from './judge.js'
import { planFaults } from './plan-faults.js'
import { FULL } from './profiles.js'
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
