// Resources judged per CPU second, beside JSON.parse of the same text and beside the validators that npm has, and how
// many of the faulty and of the unusual resources of fixtures/validation each of them judges right.
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { createValidator, type Validator } from '../src/validation/validator.js'
import { FIXTURES, readFixtures } from '../test/validation/fixtures.js'
import { loadCatalogue } from '../test/validation/load-catalogue.js'
import { formatSeries, summarise, writeResult } from './statistics.js'
import { rateOf } from './validation/cpu-time.js'
import { findPeers, type Judge, type Peer } from './validation/peers.js'
import { measureStartUp, type StartUp } from './validation/start-up.js'
import { measureWorstCases, type WorstCase } from './validation/worst-json.js'

const ROUNDS = 7
const CPU_SECONDS = 0.8
const WARM_UP_CPU_SECONDS = 1.5
const START_UPS = 5
const BASELINE = 'JSON.parse'
const OURS = 'validate'
const RESOURCE = new URL('rich-immunization.json', FIXTURES)

interface Job {
  name: string
  run: () => unknown
}

export const bench = {
  describe: 'validation per CPU second, beside JSON.parse and other validators; --peers <folder> says where those are',
  run({ peers: folder }: { peers?: string } = {}): Promise<void> {
    const load = loadavg()[0]
    const validator = createValidator(loadCatalogue())
    const { peers, leftOut } = findPeers(folder)
    for (const line of leftOut) process.stdout.write(`${line}\n`)
    const verdicts = new Map([[OURS, judgedRight(judgeOf(validator))]])
    for (const { name, judge } of peers) verdicts.set(name, judgedRight(judge))
    const rates = measure(makeJobs(validator, peers))
    const startUps = Array.from({ length: START_UPS }, () => measureStartUp(RESOURCE))
    const worst = measureWorstCases(validator)
    const notes = [describeStart(startUps), describeWorst(worst), ...leftOut]
    const title = `Validating an Immunization of ${readText().length} characters, ${ROUNDS} interleaved rounds`
    const note = `Load of the machine when it began: ${load?.toFixed(1)}. Mutants count when refused for more than the sound resource is.`
    writeResult(
      'validation',
      title,
      tabulate(rates, verdicts),
      { load, rates: Object.fromEntries(rates), verdicts: Object.fromEntries(verdicts), startUps, worst },
      [note, ...notes]
    )
    return Promise.resolve()
  }
}

function makeJobs(validator: Validator, peers: readonly Peer[]): Job[] {
  const text = readText()
  // Copies of its own for every job: one object judged over and over would flatter the caches.
  const inTurn = (texts: readonly string[]): (() => object) => {
    const copies = Array.from({ length: 370 }, (_, n) => JSON.parse(texts[n % texts.length]!) as object)
    let turn = 0
    return () => copies[turn++ % copies.length]!
  }
  const [quick, sound] = [inTurn([text]), inTurn([text])]
  const faulty = inTurn(readFixtures('mutants/').map(({ resource }) => JSON.stringify(resource)))
  return [
    { name: BASELINE, run: () => JSON.parse(text) as unknown },
    { name: 'isValid', run: () => validator.isValid(quick()) },
    { name: OURS, run: () => validator.validate(sound()) },
    { name: 'JSON.parse and validate', run: () => validator.validate(JSON.parse(text)) },
    { name: 'validate, explaining the mutants', run: () => validator.validate(faulty()) },
    ...peers.map(({ name, judge }) => {
      const next = inTurn([text])
      return { name, run: () => judge(next()) }
    })
  ]
}

// As it comes over the wire, without the indentation of the file.
function readText(): string {
  return JSON.stringify(JSON.parse(readFileSync(RESOURCE, 'utf8')))
}

/** Case -> calls per CPU second, round by round; every round runs all cases. */
function measure(jobs: readonly Job[]): Map<string, number[]> {
  for (const { run } of jobs) rateOf(run, WARM_UP_CPU_SECONDS)
  const rates = new Map<string, number[]>(jobs.map(({ name }) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, run } of jobs) rates.get(name)!.push(rateOf(run, CPU_SECONDS))
    process.stdout.write(`round ${round + 1} of ${ROUNDS}\n`)
  }
  return rates
}

// The lists of the acceptance test: M01 to M12, X01 to X25 and E1 to E8. The folders hold more.
interface Verdicts {
  mutantsRefused: number
  mutants: number
  soundAccepted: number
  sound: number
}

function judgedRight(judge: Judge): Verdicts {
  const known = new Set(judge(JSON.parse(readText()) as object))
  const mutants = readFixtures('mutants/').filter(({ name }) => /^[MX][0-9]/.test(name))
  const sound = readFixtures('valid/').filter(({ name }) => /^E[1-8]-/.test(name))
  return {
    mutantsRefused: mutants.filter(({ resource }) => judge(resource as object).some((fault) => !known.has(fault)))
      .length,
    mutants: mutants.length,
    soundAccepted: sound.filter(({ resource }) => judge(resource as object).length === 0).length,
    sound: sound.length
  }
}

function judgeOf(validator: Validator): Judge {
  return (resource) =>
    validator
      .validate(resource)
      .filter(({ severity }) => severity === 'error' || severity === 'fatal')
      .map(({ rule, text }) => `${rule} ${text}`)
}

function tabulate(rates: ReadonlyMap<string, number[]>, verdicts: ReadonlyMap<string, Verdicts>): string[][] {
  const baseline = rates.get(BASELINE)!
  const ours = rates.get(OURS)!
  const rows = [...rates].map(([name, rounds]) => {
    const judged = verdicts.get(name)
    const isPeer = judged !== undefined && name !== OURS
    return [
      name,
      formatSeries(summarise(rounds)),
      formatSeries(summarise(rounds.map((rate, round) => rate / baseline[round]!)), 3),
      isPeer ? formatSeries(summarise(rounds.map((rate, round) => ours[round]! / rate)), 1) : '',
      judged === undefined ? '' : `${judged.mutantsRefused} of ${judged.mutants}`,
      judged === undefined ? '' : `${judged.soundAccepted} of ${judged.sound}`
    ]
  })
  const head = ['case', 'per CPU s: median (spread)', `ratio to ${BASELINE}`, `our ${OURS} is times as fast`]
  return [[...head, 'mutants refused', 'unusual but sound accepted'], ...rows]
}

function describeStart(startUps: readonly StartUp[]): string {
  const of = (key: keyof StartUp, digits = 0): string =>
    formatSeries(summarise(startUps.map((one) => one[key])), digits)
  return (
    `A fresh process to its first verdict: ${of('cpuSeconds', 2)} CPU s, ${of('ms')} ms; its memory grows by ` +
    `${of('megabytes')} MB, by ${of('megabytesAfterMany')} MB once 50,000 resources were judged.`
  )
}

function describeWorst(cases: readonly WorstCase[]): string {
  const [worst] = [...cases].sort((left, right) => right.validateMs - left.validateMs)
  return `1 MB of the worst JSON (${worst?.name}) is judged in ${worst?.validateMs} ms of CPU; parsing it takes ${worst?.parseMs} ms.`
}
