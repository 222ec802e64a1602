// Test data (HTEST) beside real records of one patient: two worlds, for intervals as for duplicates.
import t from 'tap'
import { uuidv7 } from 'uuidv7'
import { createBlocks } from '../../src/dedup/patient-block.js'
import { createPreview } from '../../src/ingest/preview.js'
import { clientOf, createIngestRig, fluByPharmacy, payloadOf, rules, rulesOf } from '../support/ingest-rig.js'
import { syntheticNhsNumber } from '../support/synthetic.js'

const NHS_NUMBER = syntheticNhsNumber(61)
const TWICE = 'already-vaccinated-this-season'
const HTEST = { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HTEST' }] }
const NOW = () => new Date('2027-02-10T12:00:00Z')

const flu = (day: string, lotNumber: string) =>
  fluByPharmacy({ nhsNumber: NHS_NUMBER, occurrenceDateTime: `${day}T09:00:00+00:00`, lotNumber })
const training = (day: string, lotNumber: string) => ({
  ...flu(day, lotNumber),
  meta: { ...flu(day, '').meta, ...HTEST }
})

t.test('what was given in training is no dose before a real one, near or far', async (t) => {
  const rig = await createIngestRig(t, { now: NOW })
  t.equal((await rig.post(training('2026-11-05', 'T1'))).status, 201)

  const near = await rig.post(flu('2026-11-20', 'R1'))
  const far = await rig.post(training('2027-01-10', 'T2'))
  const third = await rig.post(flu('2027-01-30', 'R2'))

  t.same([near.status, rulesOf(near).includes(TWICE)], [201, false], 'within the window of duplicates')
  t.same([far.status, rulesOf(far).includes(TWICE)], [201, true], 'training is judged beside training')
  t.same([third.status, rulesOf(third).includes(TWICE)], [201, true], 'a test record in between hides no real dose')
})

t.test('a real history says nothing of a record that is made in training', async (t) => {
  const rig = await createIngestRig(t, { now: NOW })
  t.equal((await rig.post(flu('2026-11-05', 'R1'))).status, 201)

  const near = await rig.post(training('2026-11-20', 'T1'))
  await rig.post(flu('2027-01-10', 'R2'))
  const far = await rig.post(training('2027-01-30', 'T2'))
  const first = await rig.rows(`select from event_group where survivor_record_id = $1`, [near.record?.recordId])

  t.same([near.status, rulesOf(near).includes(TWICE)], [201, false])
  t.same(
    [far.status, rulesOf(far).includes(TWICE)],
    [201, true],
    'after the one of training, beyond the real one between'
  )
  t.equal(first.length, 1, 'and none is merged with the other')
})

t.test('$validate tells the same', async (t) => {
  const rig = await createIngestRig(t, { now: NOW })
  await rig.post(training('2026-11-05', 'T1'))
  const preview = createPreview({
    database: rig.database,
    judges: rules,
    rules,
    blockOf: createBlocks(Buffer.alloc(32, 7)),
    destinations: [],
    now: NOW,
    newId: uuidv7
  })
  const rulesFor = async (resource: object) => {
    const common = { caller: clientOf('pharmacy'), requestId: uuidv7(), receivedAt: NOW() }
    const { issues } = await preview.rehearse({ kind: 'create', payload: payloadOf(resource), ...common })
    return issues.map(({ rule }) => rule)
  }

  t.notOk((await rulesFor(flu('2027-01-30', 'R1'))).includes(TWICE))
  t.ok((await rulesFor(training('2027-01-30', 'T2'))).includes(TWICE))
})
