// About 1 MB of the worst JSON there is for a validator of this build.
import type { Validator } from '../../src/validation/validator.js'
import { cpuMs } from './cpu-time.js'

export interface WorstCase {
  name: string
  megabytes: number
  parseMs: number
  validateMs: number
}

/** CPU time, the best of three runs each. */
export function measureWorstCases(validator: Validator): WorstCase[] {
  return Object.entries(worstTexts()).map(([name, text]) => {
    const runs = [1, 2, 3].map(() => {
      const start = cpuMs()
      const value: unknown = JSON.parse(text)
      const parsed = cpuMs()
      validator.validate(value)
      return { parseMs: parsed - start, validateMs: cpuMs() - parsed }
    })
    runs.sort((a, b) => a.validateMs - b.validateMs)
    const { parseMs = 0, validateMs = 0 } = runs[0] ?? {}
    return {
      name,
      megabytes: Number((text.length / 1e6).toFixed(2)),
      parseMs: tenth(parseMs),
      validateMs: tenth(validateMs)
    }
  })
}

function worstTexts(): Record<string, string> {
  const patient = (members: string): string => `{"resourceType":"Patient",${members}}`
  const many = (item: string, length = 1_000_000): string =>
    new Array(Math.ceil(length / (item.length + 1))).fill(item).join(',')
  const deep = (open: string, close: string, levels: number): string => open.repeat(levels) + '1' + close.repeat(levels)
  return {
    'hostile base64': patient(`"extension":[{"url":"urn:x:1","valueBase64Binary":"${'AAAA '.repeat(200_000)}!"}]`),
    'unknown members': patient(Array.from({ length: 60_000 }, (_, index) => `"genders${index}":1`).join(',')),
    'unknown extensions': patient(`"extension":[${many('{"url":"urn:x:1","valueString":"a"}')}]`),
    'empty extensions': patient(`"extension":[${many('{}')}]`),
    'nested extensions': patient(`"extension":${deep('[{"url":"urn:x:1","extension":', '}]', 25_000)}`),
    'nested contained': patient(`"contained":${deep('[{"resourceType":"Patient","contained":', '}]', 25_000)}`),
    'wrong types': patient(`"name":[${many('7')}]`),
    nulls: patient(`"name":[{"given":[${many('null')}]}]`),
    'names that are fine': patient(`"name":[${many('{"use":"official","family":"A","given":["B","C"]}')}]`),
    'local references': patient(`"generalPractitioner":[${many('{"reference":"#a"}')}]`),
    'codes outside their set': patient(`"maritalStatus":{"coding":[${many('{"system":"urn:x","code":"q"}')}]}`),
    'narrative of ampersands': patient(
      `"text":{"status":"generated","div":"<div xmlns='http://www.w3.org/1999/xhtml'>${'&amp;'.repeat(200_000)}</div>"}`
    ),
    'narrative of open tags': patient(
      `"text":{"status":"generated","div":"<div xmlns='http://www.w3.org/1999/xhtml'>${'<p>'.repeat(330_000)}"}`
    ),
    'one long reference': patient(`"managingOrganization":{"reference":"http://${'a/'.repeat(500_000)}"}`),
    'one long date': patient(`"birthDate":"2024-01-01T00:00:00.${'0'.repeat(1_000_000)}"`),
    'contained with one id': patient(`"contained":[${many('{"resourceType":"Basic","id":"a","code":{"text":"x"}}')}]`)
  }
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10
}
