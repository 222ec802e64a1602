// CPU time of all programme checks of one record, beside validating the same record in the same run.
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import type { Immunization } from 'fhir/r4.js'
import { readImmunizationFacts } from '../src/fhir/immunization.js'
import { VACCINE_TYPES, type VaccineType } from '../src/fhir/vaccine-types.js'
import type { HistoricEvent } from '../src/programmes/check.js'
import { readElementPaths } from '../src/programmes/element-paths.js'
import { readStatements } from '../src/programmes/record-statements.js'
import { loadRules } from '../src/rules.js'
import { formatSeries, summarise, writeResult } from './statistics.js'
import { rateOf } from './validation/cpu-time.js'

const ROUNDS = 7
const CPU_SECONDS = 0.3
const WARM_UP_CPU_SECONDS = 1
const HISTORY = 60
const TARGET_MICROSECONDS = 20
const VALIDATION = 'validate the record'
const TYPICAL = 'flu-pharmacy-older-adult'
/** Several files, age limits and intervals, live vaccines: what a check can cost. */
const RECORDS = [TYPICAL, '6in1-gp-first', 'mmrv-gp-toddler', 'pneumococcal-gp-older-adult']

interface Job {
  name: string
  run: () => unknown
}

export const bench = {
  describe: `all checks of a record with a history of ${HISTORY} events, beside validation; the target is ${TARGET_MICROSECONDS} microseconds`,
  async run(): Promise<void> {
    const load = loadavg()[0]
    const jobs = await makeJobs()
    const times = measure(jobs)
    const validation = times.get(VALIDATION)!
    const rows = [...times].map(([name, rounds]) => [
      name,
      formatSeries(summarise(rounds), 2),
      formatSeries(summarise(rounds.map((time, round) => time / validation[round]!)), 3)
    ])
    writeResult(
      'programmes',
      `Programme checks of one record, ${ROUNDS} interleaved rounds`,
      [['case', 'microseconds of CPU: median (spread)', `ratio to "${VALIDATION}"`], ...rows],
      { load, times: Object.fromEntries(times) },
      [`Load of the machine when it began: ${load?.toFixed(1)}. The target is ${TARGET_MICROSECONDS} microseconds.`]
    )
  }
}

async function makeJobs(): Promise<Job[]> {
  const { programmes, validator } = await loadRules()
  const now = new Date('2026-11-22T12:00:00Z')
  const history = makeHistory()
  const typical = readRecord(TYPICAL)
  const judged = RECORDS.flatMap((name): Job[] => {
    const resource = readRecord(name)
    const facts = readImmunizationFacts(resource)
    const context = { now, paths: readElementPaths(resource), flags: readStatements(resource).flags }
    return [
      { name: `judge ${name}, no history`, run: () => programmes.judge(facts, context) },
      { name: `judge ${name}, ${HISTORY} events`, run: () => programmes.judge(facts, { ...context, history }) }
    ]
  })
  return [
    { name: VALIDATION, run: () => validator.validate(typical) },
    {
      name: 'read facts, paths and statements',
      run: () => [readImmunizationFacts(typical), readElementPaths(typical), readStatements(typical)]
    },
    ...judged
  ]
}

function readRecord(name: string): Immunization {
  const file = new URL(`../fixtures/immunization/valid/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')) as Immunization
}

/** A life of vaccinations of all types, one every half year. */
function makeHistory(): HistoricEvent[] {
  const types = Object.keys(VACCINE_TYPES) as VaccineType[]
  return Array.from({ length: HISTORY }, (_, index) => {
    const vaccineType = types[index % types.length]!
    const day = `${1996 + Math.floor(index / 2)}-${index % 2 === 0 ? '03' : '09'}-15`
    return { day, antigens: VACCINE_TYPES[vaccineType], vaccineType }
  })
}

/** Case -> microseconds of CPU a call, round by round; every round runs all cases. */
function measure(jobs: readonly Job[]): Map<string, number[]> {
  for (const { run } of jobs) rateOf(run, WARM_UP_CPU_SECONDS)
  const times = new Map<string, number[]>(jobs.map(({ name }) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, run } of jobs) times.get(name)!.push(1_000_000 / rateOf(run, CPU_SECONDS))
    process.stdout.write(`round ${round + 1} of ${ROUNDS}\n`)
  }
  return times
}
