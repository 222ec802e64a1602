// An eligibility store must not take somebody for vaccinated twice because it is still open whether two records are one.
import t from 'tap'
import { createReadTotals } from '../../src/eligibility-totals.js'
import type { Wanting } from '../../src/delivery/plan-deliveries.js'
import { createIngestRig, fluByPharmacy, rules } from '../support/ingest-rig.js'
import { syntheticNhsNumber } from '../support/synthetic.js'
import { openReviewDesk } from './open-reviews.js'

const TOTALS: Wanting = { name: 'totals', sends: 'all', followsPatient: true, wants: () => true }
const NHS_NUMBER = syntheticNhsNumber(51)

t.test('a possible duplicate counts once until it is decided, and each decision has the totals told', async (t) => {
  const rig = await createIngestRig(t, { destinations: [TOTALS] })
  const desk = await openReviewDesk(rig, [TOTALS])
  const first = (await rig.post(fluByPharmacy({ value: 'A', nhsNumber: NHS_NUMBER }))).record!.recordId
  await rig.post(fluByPharmacy({ value: 'B', nhsNumber: NHS_NUMBER }))
  const [patient] = await rig.rows<{ key: string }>('select patient_key as key from patient where nhs_number = $1', [
    NHS_NUMBER
  ])
  const totals = (how?: 'once' | 'each') => rig.database.stores.events.readTotals(patient!.key, ['FLU'], how)
  const told = async () => (await rig.rows('select from delivery')).length

  const open = await totals()
  t.same(open.eventDays, ['2026-10-10'])
  t.same((await totals('each')).eventDays, ['2026-10-10', '2026-10-10'], 'a setting')
  t.equal(await told(), 2)

  const decided = await desk.decide(first, 'distinct')
  const distinct = await totals()
  t.same(distinct.eventDays, ['2026-10-10', '2026-10-10'])
  t.ok(distinct.sourceVersion > open.sourceVersion, 'a receiver that keeps the larger takes them')
  t.equal(await told(), 3, 'though no record and no group changed')

  await desk.undo(decided!)
  const again = await totals()
  t.same(again.eventDays, ['2026-10-10'])
  t.ok(again.sourceVersion > distinct.sourceVersion)
  t.equal(await told(), 4)

  await desk.decide(first, 'same')
  t.same((await totals('each')).eventDays, ['2026-10-10'])
})

t.test('as doses they count once too, whether or not the dose is valid, until somebody decides', async (t) => {
  const rig = await createIngestRig(t, { destinations: [TOTALS] })
  const desk = await openReviewDesk(rig, [TOTALS])
  const first = (await rig.post(fluByPharmacy({ value: 'A', nhsNumber: NHS_NUMBER }))).record!.recordId
  await rig.post(fluByPharmacy({ value: 'B', nhsNumber: NHS_NUMBER }))
  const [patient] = await rig.rows<{ key: string }>('select patient_key as key from patient where nhs_number = $1', [
    NHS_NUMBER
  ])
  const read = createReadTotals({ stores: rig.database.stores, rules, now: () => new Date('2026-11-28T12:00:00Z') })
  const doses = async (how: 'once' | 'each') => {
    const { doses } = await read(patient!.key, ['FLU'], how)
    return (doses?.valid ?? 0) + (doses?.invalid ?? 0)
  }

  t.same([await doses('once'), await doses('each')], [1, 2])
  t.equal((await read(patient!.key, ['FLU'], 'once')).doses?.lastValidDay, '2026-10-10')
  t.notOk('undecided' in (await read(patient!.key, ['FLU'], 'once')), 'which they are is nobody else’s business')
  const decided = await desk.decide(first, 'distinct')
  t.same([await doses('once'), await doses('each')], [2, 2])
  await desk.undo(decided!)
  t.equal(await doses('once'), 1)
  await desk.decide(first, 'same')
  t.same([await doses('once'), await doses('each')], [1, 1])
})
