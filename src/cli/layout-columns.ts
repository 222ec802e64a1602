// Makes a table fit the terminal: the least needed columns are left out first, then the longest text is wrapped.

export interface Column {
  head: string
  /** Left out when the table is too wide, the highest number first. Without it the column always stays. */
  leaveOut?: number
  /** Free text that may be wrapped. Ids never are: they must stay copyable. */
  wraps?: boolean
  align?: 'left' | 'right'
}

export interface ColumnLayout {
  /** Indexes of the columns to show. */
  shown: number[]
  /** Width of each shown column, without the gap. */
  widths: number[]
}

export const COLUMN_GAP = 2
const NARROWEST_TEXT = 20

/** `cells` holds plain text without colours; `width` undefined means as wide as it likes. */
export function layoutColumns(
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  width: number | undefined
): ColumnLayout {
  const natural = columns.map((column, index) =>
    Math.max(column.head.length, ...cells.map((row) => row[index]?.length ?? 0))
  )
  let shown = columns.map((_, index) => index)
  if (width === undefined) return { shown, widths: natural }
  while (leastWidth(shown, columns, natural) > width) {
    const dropped = leastNeeded(shown, columns)
    if (dropped === undefined) break
    shown = shown.filter((index) => index !== dropped)
  }
  return { shown, widths: shrink(shown, columns, natural, width) }
}

function leastWidth(shown: readonly number[], columns: readonly Column[], natural: readonly number[]): number {
  return total(shown.map((index) => leastOf(columns[index], natural[index] ?? 0)))
}

function leastOf(column: Column | undefined, natural: number): number {
  return column?.wraps === true ? Math.min(natural, NARROWEST_TEXT) : natural
}

function leastNeeded(shown: readonly number[], columns: readonly Column[]): number | undefined {
  return shown
    .filter((index) => columns[index]?.leaveOut !== undefined)
    .sort((left, right) => (columns[right]?.leaveOut ?? 0) - (columns[left]?.leaveOut ?? 0))[0]
}

/** Takes what is too much from the widest wrapping column, then the next. */
function shrink(
  shown: readonly number[],
  columns: readonly Column[],
  natural: readonly number[],
  width: number
): number[] {
  const widths = shown.map((index) => natural[index] ?? 0)
  const wrapping = shown
    .map((index, place) => ({ place, column: columns[index], natural: natural[index] ?? 0 }))
    .filter((entry) => entry.column?.wraps === true)
    .sort((left, right) => right.natural - left.natural)
  for (const entry of wrapping) {
    const excess = total(widths) - width
    if (excess <= 0) break
    widths[entry.place] = Math.max(leastOf(entry.column, entry.natural), entry.natural - excess)
  }
  return widths
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, next) => sum + next, 0) + COLUMN_GAP * Math.max(0, widths.length - 1)
}
