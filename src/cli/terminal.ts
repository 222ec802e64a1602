// What a command prints with: lines, tables that fit, JSON. Colour only where the roof allows it and a person looks.
import { stripVTControlCharacters } from 'node:util'
import Table from 'cli-table3'
import pc from 'picocolors'
import { COLUMN_GAP, layoutColumns, type Column } from './layout-columns.js'

export type Output = NodeJS.WritableStream & { isTTY?: boolean; columns?: number }

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'
export type Text = string | { text: string; style: Style }

export interface Terminal {
  /** One line, made of plain and coloured pieces. */
  print(...pieces: Text[]): void
  printTable(columns: readonly Column[], rows: readonly (readonly Text[])[]): void
  printJson(value: unknown): void
  /** JSON on one line, for what never ends. */
  printLine(text: string): void
  /** Where somebody watches: what was shown goes away. */
  clear(): void
}

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' '.repeat(COLUMN_GAP)
}

export function createTerminal(output: Output, colourAllowed: boolean): Terminal {
  const colours = pc.createColors(colourAllowed && output.isTTY === true)
  const paint = (piece: Text): string =>
    typeof piece === 'string' ? harmless(piece) : colours[piece.style](harmless(piece.text))
  const print = (...pieces: Text[]): void => {
    output.write(`${pieces.map(paint).join('')}\n`)
  }
  return {
    print,
    printTable(columns, rows) {
      const plain = rows.map((row) => row.map((cell) => harmless(typeof cell === 'string' ? cell : cell.text)))
      const layout = layoutColumns(columns, plain, output.isTTY === true ? output.columns : undefined)
      const table = new Table({
        head: layout.shown.map((index) => colours.dim(columns[index]?.head ?? '')),
        colWidths: layout.widths,
        colAligns: layout.shown.map((index) => columns[index]?.align ?? 'left'),
        chars: NO_BORDERS,
        style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
        wordWrap: true
      })
      table.push(...rows.map((row) => layout.shown.map((index) => paint(row[index] ?? ''))))
      for (const line of table.toString().split('\n')) output.write(`${line.trimEnd()}\n`)
      if (layout.shown.length < columns.length) {
        print({ text: 'Some columns do not fit this terminal: make it wider, or use --json.', style: 'dim' })
      }
    },
    printJson(value) {
      output.write(`${JSON.stringify(value, undefined, 2)}\n`)
    },
    printLine(text) {
      output.write(`${text}\n`)
    },
    clear() {
      if (output.isTTY === true) output.write('\u001b[2J\u001b[H')
    }
  }
}

/** A receiver's message may hold escape sequences that steer a terminal, or line ends that forge a line of output. */
function harmless(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ')
}
