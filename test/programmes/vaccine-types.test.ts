// Which programme a set of target diseases selects: each NHS vaccine type by exactly its own set, no other set at all.
import fc from 'fast-check'
import t from 'tap'
import type { Issue } from '../../src/fhir/issue.js'
import { findVaccineType, VACCINE_TYPES, type VaccineType } from '../../src/fhir/vaccine-types.js'
import { createProgrammeRules } from '../../src/programmes/programme-rules.js'
import { immunizationFacts } from '../support/immunization-facts.js'
import { readProgrammes, readVaccineCodes } from '../support/programme-files.js'

const NOW = new Date('2026-11-22T12:00:00Z')
const programmes = readProgrammes()
const rules = createProgrammeRules(programmes, readVaccineCodes())
const TYPES = Object.entries(VACCINE_TYPES) as [VaccineType, readonly string[]][]
const DISEASES = [...new Set(TYPES.flatMap(([, codes]) => codes))]

function judge(targetDiseases: readonly string[], occurrence = '2026-05-11'): { issues: Issue[]; ids: string[] } {
  const facts = immunizationFacts({ targetDiseases: [...targetDiseases], occurrence, birthDate: '2024-05-01' })
  const { issues, programmes } = rules.judge(facts, { now: NOW })
  return { issues, ids: programmes.map(({ id }) => id) }
}

/** The types of the sets that differ from this one in the fewest diseases, among those that share one with it. */
function nearest(sent: readonly string[]): string[] {
  const near = TYPES.filter(([, codes]) => codes.some((code) => sent.includes(code))).map(([type, codes]) => ({
    type,
    differing: [...codes, ...sent].filter((code) => codes.includes(code) !== sent.includes(code)).length
  }))
  const least = Math.min(...near.map(({ differing }) => differing))
  return near.filter(({ differing }) => differing === least).map(({ type }) => type)
}

t.test('each of the 19 NHS vaccine types has a programme, and its exact set in any order selects it', (t) => {
  t.equal(TYPES.length, 19)
  for (const [type, codes] of TYPES) {
    const own = programmes.filter(({ vaccineType }) => vaccineType === type).map(({ id }) => id)
    for (const order of [codes, [...codes].reverse()]) {
      const { ids, issues } = judge(order)

      t.ok(ids.length > 0, type)
      t.ok(ids.every((id) => own.includes(id)))
      t.notOk(issues.some(({ rule }) => rule === 'target-diseases-unknown' || rule === 'no-programme'))
    }
  }
  t.end()
})

t.test('a disease too few or too many is another type, or an error that names the nearest', (t) => {
  for (const [type, codes] of TYPES) {
    const smaller = codes.map((_code, index) => codes.filter((_other, place) => place !== index))
    const larger = DISEASES.filter((code) => !codes.includes(code)).map((code) => [...codes, code])
    for (const sent of [...smaller, ...larger].filter((set) => set.length > 0)) {
      const { issues, ids } = judge(sent)
      const other = findVaccineType(sent)
      if (other !== undefined) {
        t.not(other, type)
        continue
      }
      t.same(ids, [])
      t.match(issues, [{ severity: 'error', code: 'code-invalid', rule: 'target-diseases-unknown' }], sent.join())
    }
  }
  t.end()
})

t.test('the text of an unknown set names a known set that differs least, with its codes', (t) => {
  fc.assert(
    fc.property(fc.subarray(DISEASES, { minLength: 1 }), fc.boolean(), (known, withStranger) => {
      const sent = withStranger ? [...known, '38341003'] : known
      fc.pre(findVaccineType(sent) === undefined)
      const named = /the nearest known set is (\w+): ([\d, ]+)$/.exec(judge(sent).issues[0]?.text ?? '')
      const [, type = '', codes = ''] = named ?? []
      return nearest(sent).includes(type) && codes === VACCINE_TYPES[type as VaccineType].join(', ')
    }),
    { numRuns: 500 }
  )
  t.match(
    judge(['398102009', '76902006']).issues[0]?.text,
    /nearest known set is 3IN1: 398102009, 397430003, 76902006$/
  )
  t.match(judge(['709410003', '23511006', '1354584007']).issues[0]?.text, /nearest known set is HIBMENC/)
  t.end()
})
