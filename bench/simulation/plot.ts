// A bar for each kind of error: merged, left to a person, missed.
import type { Finding, Tally } from './tally.js'

const WIDTH = 960
const ROW = 26
const TOP = 84
const LABEL = 310
const BAR = 520
/** Told apart without colour too: dark, middle, light. */
const COLOURS: Record<Finding, string> = { merged: '#1b5e8c', reviewed: '#8fbfdc', missed: '#d9822b' }
const NAMES: Record<Finding, string> = { merged: 'merged', reviewed: 'left to a person', missed: 'missed' }
const FINDINGS: readonly Finding[] = ['merged', 'reviewed', 'missed']

/** An SVG document that stands alone. */
export function drawFindings(title: string, tally: Tally): string {
  const kinds = [...tally.duplicates].sort(([, a], [, b]) => total(b) - total(a))
  const rows: [string, Record<Finding, number>][] = [['all duplicates', tally.all], ...kinds]
  const height = TOP + rows.length * ROW + 40
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="16" y="28" font-size="17" font-weight="bold">What became of the duplicates, by kind of error</text>`,
    `<text x="16" y="48" fill="#555">${escape(title)}</text>`,
    ...FINDINGS.map(drawKey),
    ...[0, 25, 50, 75, 100].map((share) => drawGridLine(share, height)),
    ...rows.map(([kind, found], index) => drawRow(kind, found, TOP + index * ROW)),
    '</svg>',
    ''
  ].join('\n')
}

function drawKey(finding: Finding, index: number): string {
  const x = LABEL + index * 150
  return (
    `<rect x="${x}" y="60" width="12" height="12" fill="${COLOURS[finding]}"/>` +
    `<text x="${x + 18}" y="71">${NAMES[finding]}</text>`
  )
}

function drawGridLine(share: number, height: number): string {
  const x = LABEL + (BAR * share) / 100
  return (
    `<line x1="${x}" x2="${x}" y1="${TOP - 6}" y2="${height - 32}" stroke="#ddd"/>` +
    `<text x="${x}" y="${height - 14}" text-anchor="middle" fill="#555">${share} %</text>`
  )
}

function drawRow(kind: string, found: Record<Finding, number>, y: number): string {
  const all = total(found)
  let x = LABEL
  const bars = FINDINGS.map((finding) => {
    const width = (BAR * found[finding]) / all
    const bar = `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="18" fill="${COLOURS[finding]}"/>`
    x += width
    return bar
  })
  return (
    `<text x="${LABEL - 10}" y="${y + 14}" text-anchor="end">${escape(kind)}</text>${bars.join('')}` +
    `<text x="${LABEL + BAR + 10}" y="${y + 14}" fill="#555">${all.toLocaleString('en-GB')} records</text>`
  )
}

function total({ merged, reviewed, missed }: Record<Finding, number>): number {
  return merged + reviewed + missed
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
