// Median and spread of rounds, and the file a bench leaves behind.
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'

export interface Series {
  median: number
  lowest: number
  highest: number
  rounds: number[]
}

export function summarise(rounds: readonly number[]): Series {
  const sorted = [...rounds].sort((left, right) => left - right)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, lowest: sorted[0]!, highest: sorted.at(-1)!, rounds: [...rounds] }
}

/** `7 412 (6 980 to 7 655)`, rounded to three figures by the caller where that is all it is worth. */
export function formatSeries(series: Series, digits = 0): string {
  const show = (value: number) => value.toLocaleString('en-GB', { maximumFractionDigits: digits })
  return `${show(series.median)} (${show(series.lowest)} to ${show(series.highest)})`
}

/** Writes bench/results/<name>.json and .md; the table's first column names the case. `notes` stand below it. */
export function writeResult(
  name: string,
  title: string,
  table: string[][],
  details: object,
  notes: readonly string[] = []
): void {
  const folder = new URL('./results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
  const [head = [], ...rows] = table
  const markdown = [
    `# ${title}`,
    '',
    `${new Date().toISOString().slice(0, 10)}, ${machine}. Machines are shared: read the ratios.`,
    '',
    `| ${head.join(' | ')} |`,
    `| ${head.map(() => '---').join(' | ')} |`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
    ...notes.flatMap((note) => [note, ''])
  ].join('\n')
  writeFileSync(new URL(`${name}.md`, folder), markdown)
  writeFileSync(
    new URL(`${name}.json`, folder),
    `${JSON.stringify({ title, machine, at: new Date(), notes, ...details }, null, 2)}\n`
  )
  process.stdout.write(`\n${markdown}\n`)
}
