import t from 'tap'
import { changedPaths } from '../../src/fhir/changed-paths.js'
import { hashContent } from '../../src/fhir/content-hash.js'
import { parseJson } from '../../src/fhir/parse-json.js'
import { composeStoredBody } from '../../src/fhir/stored-body.js'
import { readFixture } from '../support/ingest-rig.js'

const flu = readFixture('flu-pharmacy-older-adult.json')
const text = JSON.stringify(flu)

function strictly(left: object, right: object): boolean {
  return hashContent(left).strict.equals(hashContent(right).strict)
}

function clinically(left: object, right: object): boolean {
  return hashContent(left).clinical.equals(hashContent(right).clinical)
}

t.test('what a retry may change without meaning does not change the strict hash', (t) => {
  t.ok(strictly(flu, Object.fromEntries(Object.entries(flu).reverse())), 'order of keys')
  t.ok(strictly(flu, { ...flu, id: 'x', meta: { versionId: '9' }, text: { status: 'empty' } }), 'id, meta, narrative')
  const renamed = JSON.parse(text.replaceAll('"patient"', '"subject-1"').replaceAll('#patient', '#subject-1')) as object
  const back = JSON.parse(
    JSON.stringify(renamed).replace('"subject-1":{"reference"', '"patient":{"reference"')
  ) as object
  t.ok(strictly(flu, back), 'ids of contained resources')
  const coding = [{ system: 'urn:a', code: '1' }, ...(flu.vaccineCode.coding ?? [])]
  const one = { ...flu, vaccineCode: { coding } }
  t.ok(strictly(one, { ...flu, vaccineCode: { coding: [...coding].reverse() } }), 'order of codings')
  t.end()
})

t.test('every other change changes it', (t) => {
  t.notOk(strictly(flu, { ...flu, lotNumber: 'OTHER' }))
  t.notOk(strictly(flu, { ...flu, recorded: '2026-10-11' }))
  t.notOk(strictly(flu, { ...flu, performer: [...(flu.performer ?? [])].concat(flu.performer ?? []) }))
  t.notOk(strictly(flu, { ...flu, note: [{ text: 'x' }] }))
  t.end()
})

t.test('the clinical hash leaves out recorded and display texts, and nothing more', (t) => {
  t.ok(clinically(flu, { ...flu, recorded: '2026-10-11' }))
  t.ok(clinically(flu, JSON.parse(text.replaceAll(/"display":"[^"]*"/g, '"display":"another word"')) as object))
  t.notOk(clinically(flu, { ...flu, occurrenceDateTime: '2026-10-11' }))
  t.notOk(clinically(flu, { ...flu, primarySource: false }))
  t.end()
})

t.test('changed paths name every place and no value', (t) => {
  const after = {
    ...flu,
    lotNumber: 'OTHER',
    protocolApplied: [{ ...flu.protocolApplied?.[0], doseNumberPositiveInt: 2 }]
  }
  t.same(changedPaths('Immunization', flu, { ...after, id: 'server' }).sort(), [
    'Immunization.lotNumber',
    'Immunization.protocolApplied[0].doseNumberPositiveInt'
  ])
  t.same(changedPaths('Immunization', { a: 1, b: 2, c: 3 }, {}, 2).length, 2, 'cut at the limit')
  t.end()
})

t.test('a stored body keeps every byte but id and meta, decimals included', (t) => {
  const sent =
    '{ "resourceType":"Immunization" , "id" : "mine","meta":{"profile":["urn:p"],"versionId":"7"},\n "doseQuantity": {"value":0.50,"unit":"ml"}, "lotNumber" : "A\\u0031" }'
  const server = { id: 'server-id', version: 3, lastUpdated: new Date('2026-11-22T08:00:00Z') }

  const body = composeStoredBody(parseJson(Buffer.from(sent)), 'Immunization', server)

  t.equal(
    body,
    '{"resourceType":"Immunization","id":"server-id","meta":{"profile":["urn:p"],"versionId":"3","lastUpdated":"2026-11-22T08:00:00.000Z"},"doseQuantity": {"value":0.50,"unit":"ml"},"lotNumber" : "A\\u0031"}'
  )
  t.end()
})
