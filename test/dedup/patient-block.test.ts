import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { createBlocks } from '../../src/dedup/patient-block.js'
import { regroup, type Grouping } from '../../src/dedup/regroup.js'
import { aPatientLife, holds } from './arbitraries.js'
import { groupIds, rules } from './events.js'

const blockOf = createBlocks(Buffer.from('a key of the service'))
const wren = { birthDate: '1948-03-17', familyName: 'O’Wren-Müller', postcode: 'ZZ1 1AA' }

t.test('one person however the name is typed, and nobody else', (t) => {
  const block = blockOf(wren)
  t.match(block, /^[0-9a-f]{32}$/)
  for (const familyName of ['OWREN MULLER', "o'wren-muller", 'O‘Wren – Müller', 'owrenmu\u0308ller'])
    t.equal(blockOf({ ...wren, familyName }), block, familyName)
  t.equal(blockOf({ ...wren, postcode: 'zz11aa' }), block)
  t.equal(blockOf({ ...wren, familyName: 'Ødegård' }), blockOf({ ...wren, familyName: 'ODEGARD' }))
  for (const other of [{ familyName: 'Wren' }, { postcode: 'ZZ1 1AB' }, { birthDate: '1948-03-18' }])
    t.not(blockOf({ ...wren, ...other }), block)
  t.not(createBlocks(Buffer.from('of another service'))(wren), block)
  t.end()
})

t.test('what is missing is never equal', (t) => {
  for (const gap of [{ familyName: '' }, { familyName: '-' }, { postcode: ' ' }, { birthDate: '1948' }])
    t.equal(blockOf({ ...wren, ...gap }), undefined)
  t.equal(blockOf({ birthDate: '1948-03-17', familyName: 'Wren' }), undefined)
  t.equal(blockOf({}), undefined)
  t.end()
})

holds(
  t,
  'records of others who may be the same person change no group, and are at most asked about',
  fc.property(aPatientLife, aPatientLife, ({ records, decisions }, { records: others }) => {
    const strangers = others.map((record, index) => ({
      ...record,
      recordId: `s${index}`,
      patientKey: `patient-of-s${index % 3}`,
      groupId: `gs${index}`,
      fingerprint: { ...record.fingerprint, nhsNumberVerified: false }
    }))
    const touched = records.map(({ recordId }) => recordId)
    const alone = regroup({ records, decisions, rules, touched, newGroupId: groupIds() })
    const beside = regroup({ records: [...records, ...strangers], decisions, rules, touched, newGroupId: groupIds() })
    assert.deepEqual(beside.groups, alone.groups)
    assert.deepEqual(beside.covered, alone.covered)
    const own = new Set(touched)
    const across = beside.pairs.filter(({ recordA, recordB }) => !own.has(recordA) || !own.has(recordB))
    for (const { verdict } of across) assert.deepEqual([verdict.outcome, verdict.rule], ['possible', 'V8'])
    assert.deepEqual(withoutAcross(beside, own), alone.pairs)
  }),
  500
)

function withoutAcross({ pairs }: Grouping, own: ReadonlySet<string>): Grouping['pairs'] {
  return pairs.filter(({ recordA, recordB }) => own.has(recordA) && own.has(recordB))
}
