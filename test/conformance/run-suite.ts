// All rows, several at a time, and the scorecard.
import { readRows } from './rows.js'
import { runRow, type RowResult, type Target } from './run-row.js'

export async function runSuite(
  target: Target,
  options: { area?: string; row?: string; atOnce?: number } = {}
): Promise<RowResult[]> {
  const rows = readRows().filter(
    ({ area, id }) =>
      (options.area === undefined || area === options.area) && (options.row === undefined || id.startsWith(options.row))
  )
  const results: RowResult[] = []
  const waiting = [...rows.entries()]
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      results[next[0]] = await runRow(next[1], target)
  }
  await Promise.all(Array.from({ length: options.atOnce ?? 6 }, work))
  return results
}

/** One line per area, then the rows that failed with what was expected and got. */
export function printScorecard(results: readonly RowResult[]): string {
  const areas = [...new Set(results.map(({ area }) => area))]
  const tally = (rows: readonly RowResult[], name: string): string => {
    const count = (verdict: RowResult['verdict']): number => rows.filter((row) => row.verdict === verdict).length
    const leftOut = count('left-out')
    const numbers = `${String(count('passed')).padStart(4)} passed ${String(count('failed')).padStart(4)} failed`
    return `${name.padEnd(16)}${numbers}${leftOut === 0 ? '' : `  ${leftOut} left out (they need another token)`}`
  }
  const failed = results.filter(({ verdict }) => verdict === 'failed')
  return [
    ...areas.map((name) =>
      tally(
        results.filter(({ area }) => area === name),
        name
      )
    ),
    tally(results, 'all'),
    ...failed.flatMap(({ id, area, statement, strength, source, faults }) => [
      '',
      `${id} (${area}, ${strength}, ${source}): ${statement}`,
      ...faults.map((fault) => `  ${fault}`)
    ])
  ].join('\n')
}
