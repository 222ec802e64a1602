// The rows of the conformance suite as data: what is asked, of whom, and what R4 (or this service, where R4 leaves it
// open) says must come back. One JSON file per area.
import { readdirSync, readFileSync } from 'node:fs'

/** SHALL, SHOULD and MAY as the source says; H: R4 leaves it open and this service has decided. */
export type Strength = 'SHALL' | 'SHOULD' | 'MAY' | 'H'

/** Whose token a request carries. `other` is another supplier, `reader` may only read and search, `ops` works the Hub. */
export type Actor = 'main' | 'other' | 'reader' | 'ops' | 'none'

export interface Row {
  id: string
  statement: string
  strength: Strength
  /** Page of http://hl7.org/fhir/R4/ (http.html#create), or an RFC. */
  source: string
  /** Names of base resources that are created first: the first gives {{id}} and {{etag}}, the second {{id2}} and so on. */
  given?: readonly string[]
  steps: readonly Step[]
  /** The row once for each of these variables; ids get a number. */
  cases?: readonly Readonly<Record<string, string>>[]
}

export interface Step {
  /** `METHOD path`: below the base, or below the origin when it begins with a slash. */
  request?: string
  /** Instead of `request`: the bytes of a request, as Latin-1. */
  raw?: string
  as?: Actor
  /** Null takes away what would be sent by itself. */
  headers?: Readonly<Record<string, string | null>>
  body?: BodySpec
  /** The same request this many times at once. */
  parallel?: number
  /** Follows the next links and looks at the entries of all pages as one Bundle. */
  pages?: boolean
  expect?: Expectation
  /** Variable -> `header:etag`, `body` or a path of the body. */
  capture?: Readonly<Record<string, string>>
}

export interface BodySpec {
  /** A fixture of fixtures/immunization/valid, with an identifier and an NHS number of this row. */
  of?: string
  set?: Readonly<Record<string, unknown>>
  remove?: readonly string[]
  /** Changes of the JSON text itself, in this order. */
  replace?: readonly (readonly [from: string, to: string])[]
  json?: unknown
  text?: string
  hex?: string
  repeat?: { before?: string; text: string; times: number; after?: string }
  form?: string
  gzip?: boolean
}

export interface Expectation {
  status?: number | readonly number[]
  /** Of parallel requests: how many have which status; what is not named here must be one of `others`. */
  counts?: Readonly<Record<string, number>>
  others?: readonly number[]
  /** A text is the whole value; true: there; null: not there. */
  headers?: Readonly<Record<string, Matcher>>
  /** Media type without parameters. */
  type?: string
  json?: Readonly<Record<string, Matcher>>
  /** Of the OperationOutcome: these issue codes are among those given. */
  codes?: readonly string[]
  expression?: string
  /** In the text of the answer, as sent. */
  text?: { has?: readonly string[]; lacks?: readonly string[] }
  empty?: boolean
  /** Faults are answered with an OperationOutcome unless this is false. */
  outcome?: boolean
}

export type Matcher =
  | string
  | number
  | boolean
  | null
  | readonly unknown[]
  | {
      exists?: boolean
      count?: number
      atLeast?: number
      atMost?: number
      match?: string
      all?: unknown
      includes?: unknown
      not?: unknown
      unique?: boolean
      sorted?: 'ascending' | 'descending'
      oneOf?: readonly unknown[]
    }

export interface AreaRow extends Row {
  area: string
  variables: Readonly<Record<string, string>>
}

const FOLDER = new URL('./', import.meta.url)

/** Every row, those with cases once for each case. @throws Error for a file with a fault, or an id used twice */
export function readRows(): AreaRow[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'))
  const rows = files.sort().flatMap((name) => readArea(name))
  const ids = new Set<string>()
  for (const { id } of rows) {
    if (ids.has(id)) throw new Error(`the row ${id} is there twice`)
    ids.add(id)
  }
  return rows
}

function readArea(name: string): AreaRow[] {
  const rows = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as readonly Row[]
  const area = name.replace(/\.json$/, '')
  return rows.flatMap((row) => {
    for (const part of ['id', 'statement', 'strength', 'source', 'steps'] as const)
      if (!(part in row)) throw new Error(`${name}: a row lacks ${part}: ${JSON.stringify(row).slice(0, 200)}`)
    if (row.cases === undefined) return [{ ...row, area, variables: {} }]
    return row.cases.map((variables, index) => ({ ...row, id: `${row.id}.${index + 1}`, area, variables }))
  })
}
