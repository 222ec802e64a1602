// Measures the validator per CPU second of this process, beside JSON.parse of the same text, so that neighbours on the
// machine weigh less. Called from bench/; nothing here asserts.
import type { Validator } from '../../src/validation/validator.js'

export interface Measured {
  name: string
  /** Resources per CPU second, median of the rounds. */
  perCpuSecond: number
  slowest: number
  fastest: number
  /** Against JSON.parse in the same run. */
  timesParse: number
}

export interface WorstCase {
  name: string
  megabytes: number
  parseMs: number
  validateMs: number
}

export interface BenchmarkOptions {
  /** CPU seconds to warm up and per round. */
  warmUpSeconds: number
  roundSeconds: number
  rounds: number
}

const DEFAULTS: BenchmarkOptions = { warmUpSeconds: 2, roundSeconds: 1.5, rounds: 5 }

/** `valid` and `invalid` are JSON texts of one resource each. */
export function measureValidation(
  validator: Validator,
  valid: string,
  invalid: string,
  options: BenchmarkOptions = DEFAULTS
): Measured[] {
  // Many copies of their own: one object judged over and over would flatter the caches.
  const copies = Array.from({ length: 1000 }, () => JSON.parse(valid) as unknown)
  const faulty = Array.from({ length: 1000 }, () => JSON.parse(invalid) as unknown)
  let turn = 0
  const next = (list: readonly unknown[]): unknown => list[turn++ % list.length]
  const jobs: [string, () => unknown][] = [
    ['JSON.parse', () => JSON.parse(valid) as unknown],
    ['validate only (isValid)', () => validator.isValid(next(copies))],
    ['validate only (validate)', () => validator.validate(next(copies))],
    ['parse and validate', () => validator.validate(JSON.parse(valid))],
    ['explaining pass', () => validator.validate(next(faulty))]
  ]
  const rates = jobs.map(([name, job]) => ({ name, rounds: rateRounds(job, options) }))
  const parse = median(rates[0]?.rounds ?? [])
  return rates.map(({ name, rounds }) => ({
    name,
    perCpuSecond: Math.round(median(rounds)),
    slowest: Math.round(Math.min(...rounds)),
    fastest: Math.round(Math.max(...rounds)),
    timesParse: Number((median(rounds) / parse).toFixed(2))
  }))
}

/** About 1 MB of the worst JSON there is for a validator of this build; the better of three runs each. */
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

function rateRounds(job: () => unknown, options: BenchmarkOptions): number[] {
  runFor(job, options.warmUpSeconds)
  return Array.from({ length: options.rounds }, () => runFor(job, options.roundSeconds))
}

function runFor(job: () => unknown, seconds: number): number {
  const start = cpuMs()
  let count = 0
  do {
    for (let index = 0; index < 50; index++) job()
    count += 50
  } while (cpuMs() - start < seconds * 1000)
  return count / ((cpuMs() - start) / 1000)
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10
}
