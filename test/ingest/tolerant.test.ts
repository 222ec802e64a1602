// Tolerant mode: what a supplier sends empty is cut out, said, and nothing else changes; strict is the default.
import { deepEqual } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { sha256 } from '../../src/fhir/content-hash.js'
import { cutEmpties } from '../../src/fhir/cut-empties.js'
import { parseJson } from '../../src/fhir/parse-json.js'
import { dropEmpties } from '../../src/validation/drop-empties.js'
import { createIngestRig, clientOf, fluByPharmacy, payloadOf, rulesOf, tolerantClient } from '../support/ingest-rig.js'

const EMPTIES = { reportOrigin: {}, note: [], reaction: [{}, { date: '2026-10-10', detail: {} }], manufacturer: null }

t.test('the empties of a tolerant supplier are cut out with a warning each; everybody else is refused', async (t) => {
  const rig = await createIngestRig(t)
  const sound = fluByPharmacy({ value: 'A-1' })
  const { manufacturer: _manufacturer, ...without } = sound
  const sent = { ...sound, ...EMPTIES }

  const strict = await rig.post(sent, clientOf('pharmacy'))
  const tolerated = await rig.post(sent, tolerantClient('pharmacy'))

  t.equal(strict.status, 400)
  t.equal(tolerated.status, 201, JSON.stringify(tolerated.issues))
  const dropped = tolerated.issues.filter(({ rule }) => rule === 'r4-empty-dropped')
  t.ok(dropped.every(({ severity }) => severity === 'warning'))
  t.same(dropped.map(({ expression }) => expression?.[0]).sort(), [
    'Immunization.manufacturer',
    'Immunization.note',
    'Immunization.reaction[0]',
    'Immunization.reaction[1].detail',
    'Immunization.reportOrigin'
  ])
  const { id, meta: _meta, ...served } = JSON.parse(tolerated.record?.body ?? '') as Record<string, unknown>
  t.equal(id, tolerated.record?.recordId)
  t.same(served, { ...without, reaction: [{ date: '2026-10-10' }] }, 'what is served is valid FHIR')
  const [version] = await rig.rows<{ outcome: unknown; hash: string }>(
    `select outcome::text, encode(payload_sha256, 'hex') as hash from record_version where record_id = $1`,
    [id]
  )
  t.match(String(version?.outcome), /r4-empty-dropped/, 'the warnings are kept with the version')
  t.equal(version?.hash, Buffer.from(sha256(payloadOf(sent).text)).toString('hex'), 'and the hash of what was sent')
})

t.test('sent again with and without its empties it is the same record', async (t) => {
  const rig = await createIngestRig(t)
  const sound = fluByPharmacy({ value: 'A-2' })
  const first = await rig.post({ ...sound, note: [] }, tolerantClient('pharmacy'))

  const again = await rig.post({ ...sound, note: [] }, tolerantClient('pharmacy'))
  const bare = await rig.post(sound, clientOf('pharmacy'))

  for (const resend of [again, bare]) {
    t.equal(resend.status, 200)
    t.same(rulesOf(resend), ['exact-resend'])
    t.equal(resend.record?.recordId, first.record?.recordId)
  }
})

t.test('an update of a tolerant supplier is cut too', async (t) => {
  const rig = await createIngestRig(t)
  const sound = fluByPharmacy({ value: 'A-3' })
  const first = await rig.post(sound)
  const id = first.record?.recordId ?? ''

  const updated = await rig.put(id, 1, { ...sound, id, lotNumber: 'B-1', note: [] }, tolerantClient('pharmacy'))

  t.equal(updated.status, 200)
  t.notMatch(updated.record?.body, /"note"/)
})

t.test('a refused submission of a tolerant supplier is kept as it was sent, with every fault', async (t) => {
  const rig = await createIngestRig(t)
  const sent = { ...fluByPharmacy(), status: 'given', note: [] }

  const verdict = await rig.post(sent, tolerantClient('pharmacy'))

  t.equal(verdict.status, 400)
  t.same(rulesOf(verdict), ['r4-code-unknown', 'r4-empty-dropped'])
  const [refused] = await rig.rows<{ body: string }>('select body from refused_submission')
  t.equal(refused?.body, payloadOf(sent).text)
})

t.test('what is sound passes through tolerant mode untouched', async (t) => {
  const rig = await createIngestRig(t)
  const sent = fluByPharmacy()
  const verdict = await rig.post(sent, tolerantClient('pharmacy'))
  t.equal(verdict.status, 201)
  t.same(
    rulesOf(verdict).filter((rule) => rule === 'r4-empty-dropped'),
    []
  )
})

t.test('cutting keeps the characters of strings and numbers', (t) => {
  const text =
    ' { "a" : [ ], "b" : 0.50 , "c":"{}, [] null \\" \\\\","d":[null,{"e":null}, 1E2],"f":{"g":[{},[]]},"h":true } '
  t.equal(cutEmpties(text), '{"b" : 0.50,"c":"{}, [] null \\" \\\\","d":[null,1E2],"h":true}')
  t.equal(cutEmpties('{"a":{}}'), '{"a":{}}', 'where nothing would be left, the judges say what is wrong')
  t.end()
})

t.test('the cut text is what the judge of empties says is left, whatever was sent', (t) => {
  const rich = JSON.parse(
    readFileSync(new URL('../../fixtures/validation/rich-immunization.json', import.meta.url), 'utf8')
  ) as object
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom<unknown>(null, {}, [], '', 'null', '"{}[],:\\', 0, -1.5e-7, true),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom('a', '_b', 'with "quote', 'c\\', ''), tie('tree'), { maxKeys: 4 })
    )
  }))
  t.doesNotThrow(() => {
    fc.assert(
      fc.property(tree, fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        for (const sent of [value, { ...rich, extra: value }]) {
          const { text } = parseJson(Buffer.from(JSON.stringify(sent, null, space)))
          deepEqual(JSON.parse(cutEmpties(text)), JSON.parse(JSON.stringify(dropEmpties(sent).resource)))
        }
      }),
      { numRuns: 300 }
    )
  })
  t.end()
})
