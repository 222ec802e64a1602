// The totals of a patient for an eligibility store, with what the programme files say of each dose.
import t from 'tap'
import { createReadTotals } from '../../src/eligibility-totals.js'
import { createIngestRig, fluByPharmacy, readFixture, rules, type IngestRig } from '../support/ingest-rig.js'

const NOW = new Date('2026-11-02T09:00:00Z')

async function totalsOf(rig: IngestRig, vaccineTypes: Parameters<ReturnType<typeof createReadTotals>>[1]) {
  const [record] = await rig.rows<{ patient_key: string }>('select patient_key from record limit 1')
  const readTotals = createReadTotals({ stores: rig.database.stores, rules, now: () => NOW })
  return readTotals(record?.patient_key ?? '', vaccineTypes, 'once')
}

function mmr(day: string, value: string): object {
  const at = `${day}T10:00:00+00:00`
  const base = readFixture('mmr-gp-catch-up.json')
  const [identifier] = base.identifier ?? []
  return {
    ...base,
    identifier: [{ ...identifier, value }],
    occurrenceDateTime: at,
    recorded: at,
    lotNumber: `LOT${value}`
  }
}

t.test('a dose given too soon after the last one is counted as given, and as not valid', async (t) => {
  const rig = await createIngestRig(t, { now: () => NOW })
  await rig.post(mmr('2026-02-02', '1'))
  t.match(await totalsOf(rig, ['MMR', 'MMRV']), {
    eventDays: ['2026-02-02'],
    doses: { valid: 1, invalid: 0, lastValidDay: '2026-02-02' }
  })

  const second = await rig.post(mmr('2026-02-14', '2'))
  const totals = await totalsOf(rig, ['MMR', 'MMRV'])
  t.match(totals, {
    eventDays: ['2026-02-02', '2026-02-14'],
    doses: { valid: 1, invalid: 1, lastValidDay: '2026-02-02' }
  })

  await rig.remove(second.record?.recordId ?? '')
  const after = await totalsOf(rig, ['MMR', 'MMRV'])
  t.match(after, { doses: { valid: 1, invalid: 0 } })
  t.ok(after.sourceVersion > totals.sourceVersion, 'under a higher number, so that the store takes it')
})

t.test('only doses of the target count, and a patient without one has none', async (t) => {
  const rig = await createIngestRig(t, { now: () => NOW })
  await rig.post(fluByPharmacy())
  t.match(await totalsOf(rig, ['FLU']), { doses: { valid: 1, invalid: 0, lastValidDay: '2026-10-10' } })
  t.same((await totalsOf(rig, ['RSV'])).doses, { valid: 0, invalid: 0 })
})
