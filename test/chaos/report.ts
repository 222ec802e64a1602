// What a campaign has found, for the terminal and for bench/results.
import { writeResult } from '../../bench/statistics.js'
import type { CampaignReport } from './campaign.js'

const SHOWN = 30

export function printReport(report: CampaignReport): void {
  const lines = [
    '',
    ...notesOf(report),
    ...rowsOf(report).map((row) => row.join('  ')),
    ...report.violations.slice(0, SHOWN).map((violation) => `VIOLATION ${violation}`),
    report.violations.length > SHOWN ? `and ${report.violations.length - SHOWN} more` : '',
    `${report.violations.length} violations`
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

export function writeReport(report: CampaignReport): void {
  const { engine, minutes, seed } = report.options
  const title = `Chaos on ${engine === 'redis' ? 'Redis' : 'PostgreSQL alone'}: ${minutes} minutes, seed ${seed}`
  writeResult(`chaos-${engine}`, title, rowsOf(report), { ...report }, notesOf(report))
}

function rowsOf({ destinations }: CampaignReport): string[][] {
  return [
    ['destination', 'versions', 'never sent', 'missing', 'misordered', 'duplicates', 'of at most'],
    ...destinations.map(({ destination, expected, skipped, missing, misordered, duplicates, duplicatesAllowed }) =>
      [destination, expected, skipped, missing, misordered, duplicates, duplicatesAllowed].map(String)
    )
  ]
}

function notesOf({ options, faults, writes, replayed, drainedInSeconds, violations }: CampaignReport): string[] {
  const { api = 0, relay = 0, worker = 0 } = options.processes
  const answers = Object.entries(writes.answers).map(
    ([status, times]) => `${status === '0' ? 'none' : status}: ${times}`
  )
  return [
    `${api} API, ${relay} relay and ${worker} worker processes.`,
    `Writes: ${writes.acknowledged} acknowledged of ${writes.records} records, tried again ${writes.retries} times; ` +
      `answers ${answers.join(', ')}.`,
    `Faults: ${Object.entries(faults)
      .map(([name, times]) => `${name} ${times}`)
      .join(', ')}.`,
    `Held deliveries sent again by a replay: ${replayed}.`,
    drainedInSeconds === undefined
      ? 'Not drained in time.'
      : `Drained ${drainedInSeconds} s after the last fault. Violations: ${violations.length}.`
  ]
}
