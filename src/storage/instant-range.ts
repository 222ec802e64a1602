// An instant within the span that a search names.
import type { DateRange } from './record-filter.js'

/** Takes a value of a statement and gives its place in the text. */
export type Bind = (value: unknown) => string

/** The condition on a column that holds an instant, so that "starts after" and "greater than" are one. */
export function instantIn(column: string, { prefix, from, until }: DateRange, bind: Bind): string {
  switch (prefix) {
    case 'eq':
    case 'ap':
      return `(${column} >= ${bind(from)} and ${column} < ${bind(until)})`
    case 'ne':
      return `(${column} < ${bind(from)} or ${column} >= ${bind(until)})`
    case 'gt':
    case 'sa':
      return `${column} >= ${bind(until)}`
    case 'lt':
    case 'eb':
      return `${column} < ${bind(from)}`
    case 'ge':
      return `${column} >= ${bind(from)}`
    case 'le':
      return `${column} < ${bind(until)}`
  }
}
