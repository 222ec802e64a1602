// Synthetic lives with known truth through deduplication: what it merges, what it puts before a person, what it misses.
import { writeFileSync } from 'node:fs'
import { loadRules } from '../src/rules.js'
import type { BenchOptions } from './run.js'
import { simulate } from './simulation/judge.js'
import { drawFindings } from './simulation/plot.js'
import { createTally, ratesOf, type Tally } from './simulation/tally.js'
import { writeResult } from './statistics.js'

const PATIENTS = 20_000
const SEED = 1
/** Patients between two lines of progress. */
const STRIDE = 1000

/** What issue 6 asks for. */
const WANTED = { mergePrecision: 0.9999, foundRecall: 0.97 }

export const bench = {
  describe: `synthetic lives through deduplication; --patients ${PATIENTS} (a million takes about 40 minutes), --seed ${SEED}`,
  async run(options: BenchOptions = {}): Promise<void> {
    const patients = readCount('patients', options.patients ?? PATIENTS, 1)
    const seed = readCount('seed', options.seed ?? SEED, 0)
    const { dedup, ancestry, programmeFiles } = await loadRules()
    const tally = createTally()
    const began = process.cpuUsage()
    for (let from = 0; from < patients; from += STRIDE) {
      simulate(
        { rules: dedup, ancestry, programmes: programmeFiles, seed },
        from,
        Math.min(from + STRIDE, patients),
        tally
      )
      const megabytes = Math.round(process.memoryUsage().heapUsed / 2 ** 20)
      process.stderr.write(
        `\r${tally.patients} of ${patients} patients, ${tally.records} records, heap ${megabytes} MB `
      )
    }
    process.stderr.write('\n')
    const cpuSeconds = process.cpuUsage(began).user / 1e6
    report(tally, { patients, seed, cpuSeconds, rules: dedup.version })
  }
}

interface Run {
  patients: number
  seed: number
  cpuSeconds: number
  rules: string
}

function report(tally: Tally, run: Run): void {
  const rates = ratesOf(tally)
  const duplicates = [...tally.duplicates]
    .map(([kind, found]) => ({ kind, ...found, all: found.merged + found.reviewed + found.missed }))
    .sort((a, b) => b.all - a.all)
  const table = [
    ['kind of error in the duplicate', 'records', 'merged', 'left to a person', 'missed', 'found'],
    ...[{ kind: 'all duplicates', ...tally.all, all: sum(tally.all) }, ...duplicates].map((row) => [
      row.kind,
      String(row.all),
      percent(row.merged / row.all),
      percent(row.reviewed / row.all),
      percent(row.missed / row.all),
      percent((row.merged + row.reviewed) / row.all)
    ])
  ]
  const pairs = tally.mergedRightly + tally.mergedWrongly
  const isReached = rates.mergePrecision > WANTED.mergePrecision && rates.foundRecall > WANTED.foundRecall
  const notes = [
    `A record with several errors counts under each of them. Weights ${run.rules}, seed ${run.seed}, ${Math.round(run.cpuSeconds)} s of CPU.`,
    `**Merging: precision ${percent(rates.mergePrecision, 4)}** (${tally.mergedWrongly} of ${pairs} merged pairs are not one jab), ` +
      `recall ${percent(rates.mergeRecall)}. **Merged or reviewed: recall ${percent(rates.foundRecall)}.** ` +
      `Of the pairs put before a person ${percent(rates.reviewPrecision)} are one jab. ` +
      `Asked for: precision above 99.99 %, recall above 97 %: ${isReached ? 'reached' : 'NOT reached'}.`,
    `${tally.lostNeedles} of ${tally.needles} vaccinations have no record of their own left that stands for an event.`,
    'Real doses that come close to one another (more of them than in life, so that they count):',
    rivalTable(tally),
    '![What became of the duplicates, by kind of error](simulation.svg)'
  ]
  const details = { ...run, rates, counts: { ...tally, duplicates, rivals: Object.fromEntries(tally.rivals) } }
  const title = `${tally.patients} synthetic lives, ${tally.needles} vaccinations, ${tally.records} records`
  writeFileSync(new URL('./results/simulation.svg', import.meta.url), drawFindings(title, tally))
  writeResult('simulation', title, table, details, notes)
}

function rivalTable({ rivals }: Tally): string {
  const rows = [...rivals].map(([kind, { apart, reviewed, merged }]) => [kind, apart, reviewed, merged].join(' | '))
  return [
    '| two real doses | kept apart | left to a person | merged |',
    '| --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`)
  ].join('\n')
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, value) => total + value, 0)
}

function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`
}

function readCount(name: string, value: number | string, least: number): number {
  const number = Number(value)
  if (Number.isSafeInteger(number) && number >= least) return number
  process.stderr.write(`--${name} must be a whole number of at least ${least}\n`)
  process.exit(2)
}
