// What accepting one more record costs from the submission to the commit, on a PostgreSQL of its own, with few or many
// records of the patient there already.
import { loadavg } from 'node:os'
import { loadRules } from '../src/rules.js'
import { measureAccepting } from './dedup/accepting.js'
import { CASES, type Case } from './dedup/histories.js'
import { formatSeries, summarise, writeResult } from './statistics.js'

export const bench = {
  describe: 'accepting one more record beside 20 to 5,000 of the patient, on PostgreSQL',
  async run(): Promise<void> {
    const load = loadavg()[0]
    reportAccepting(await measureAccepting(CASES, await loadRules()), load)
  }
}

export function reportAccepting(accepting: ReadonlyMap<Case, number[]>, load: number | undefined): void {
  const medianOf = (one: Case): number => summarise(accepting.get(one) ?? []).median
  const rows = CASES.map((one) => [
    `${one.size.toLocaleString('en-GB')} ${one.spread}`,
    formatSeries(summarise(accepting.get(one) ?? []), 1),
    (medianOf(one) / medianOf(CASES.find(({ spread }) => spread === one.spread)!)).toFixed(2)
  ])
  writeResult(
    'dedup-accepting',
    'Accepting one more record of a patient',
    [['records of the patient', 'ms by the clock, one at a time: median (spread)', 'ratio to 20'], ...rows],
    { load, accepting: [...accepting].map(([one, rounds]) => ({ ...one, rounds })) },
    [`Load of the machine when it began: ${load?.toFixed(1)}. By the clock, so neighbours on the machine weigh on it.`]
  )
}
