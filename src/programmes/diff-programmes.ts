// What changes from one programme file to another, in sentences a clinician can read.
import {
  CHECK_FIELDS,
  COHORT_FIELDS,
  DOSE_FIELDS,
  PROCEDURE_FIELDS,
  PRODUCT_FIELDS,
  PROGRAMME_FIELDS,
  SOURCE_FIELDS,
  type FieldWords
} from './diff-fields.js'
import type { Programme } from './programme.js'
import { criteriaWords, doseName, paramsWords } from './programme-words.js'

/** One sentence for each difference, in the order of the file; none when the files say the same. */
export function diffProgrammes(before: Programme, after: Programme): string[] {
  return [
    ...diffFields('the programme', before, after, PROGRAMME_FIELDS),
    ...diffLists(before.doses, after.doses, {
      keyOf: ({ number, cohort }) => `${number} ${cohort ?? ''}`,
      nameOf: doseName,
      fields: DOSE_FIELDS
    }),
    ...diffLists(before.products, after.products, {
      keyOf: ({ code, display }) => code ?? display,
      nameOf: ({ display }) => `product "${display}"`,
      fields: PRODUCT_FIELDS
    }),
    ...diffLists(before.procedures, after.procedures, {
      keyOf: ({ code }) => code,
      nameOf: ({ code, display }) => `procedure ${code} "${display}"`,
      fields: PROCEDURE_FIELDS
    }),
    ...diffLists(before.cohorts, after.cohorts, {
      keyOf: ({ id }) => id,
      nameOf: ({ id }) => `cohort "${id}"`,
      fields: COHORT_FIELDS,
      more: (cohort) => `${cohort.label}${criteriaWords(cohort) === '' ? '' : `: ${criteriaWords(cohort)}`}`
    }),
    ...diffLists(before.checks, after.checks, {
      keyOf: ({ check }) => check,
      nameOf: ({ check }) => `check ${check}`,
      fields: CHECK_FIELDS,
      more: ({ severity, params }) => (params === undefined ? severity : `${severity}, ${paramsWords(params)}`)
    }),
    ...diffLists(before.sources, after.sources, {
      keyOf: ({ id }) => id,
      nameOf: ({ id }) => `source "${id}"`,
      fields: SOURCE_FIELDS,
      more: ({ title }) => title
    })
  ]
}

interface ListWords<Item> {
  /** What stays the same when an item changes. */
  keyOf: (item: Item) => string
  nameOf: (item: Item) => string
  fields: FieldWords<Item>
  /** What a reader wants to know of an item that is new or gone. */
  more?: (item: Item) => string
}

function diffLists<Item extends object>(
  before: readonly Item[] = [],
  after: readonly Item[] = [],
  words: ListWords<Item>
): string[] {
  const old = keyed(before, words.keyOf)
  const young = keyed(after, words.keyOf)
  const told = (item: Item): string => (words.more === undefined ? '' : ` (${words.more(item)})`)
  return [
    ...[...young].flatMap(([key, item]) => {
      const known = old.get(key)
      return known === undefined
        ? [`${words.nameOf(item)} is added${told(item)}`]
        : diffFields(words.nameOf(item), known, item, words.fields)
    }),
    ...[...old].flatMap(([key, item]) => (young.has(key) ? [] : [`${words.nameOf(item)} is taken out${told(item)}`]))
  ]
}

/** Items of one key (two checks of one name) are told apart by their place among themselves. */
function keyed<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item> {
  const found = new Map<string, Item>()
  for (const item of items) {
    const key = keyOf(item)
    let place = 1
    while (found.has(`${key} ${place}`)) place++
    found.set(`${key} ${place}`, item)
  }
  return found
}

function diffFields<Item extends object>(owner: string, before: Item, after: Item, fields: FieldWords<Item>): string[] {
  const keys = Object.keys(fields) as (keyof Item)[]
  return keys.flatMap((key) => diffField(owner, before, after, fields, key))
}

function diffField<Item extends object, Key extends keyof Item>(
  owner: string,
  before: Item,
  after: Item,
  fields: FieldWords<Item>,
  key: Key
): string[] {
  const field = fields[key]
  const [old, young] = [before[key], after[key]]
  if (field === undefined) return []
  if (isThere(old) && isThere(young)) {
    const [was, is] = [field.say(old), field.say(young)]
    return was === is ? [] : [`the ${field.name} of ${owner} goes from ${quoted(was)} to ${quoted(is)}`]
  }
  if (isThere(young))
    return [`${owner} gets ${/^[aeiou]/.test(field.name) ? 'an' : 'a'} ${field.name}: ${field.say(young)}`]
  return isThere(old) ? [`${owner} loses its ${field.name}, which was ${field.say(old)}`] : []
}

function isThere<Value>(value: Value): value is NonNullable<Value> {
  return value !== undefined && value !== null
}

/** Texts of several words, so that a reader sees where they end; ages and single words stand as they are. */
function quoted(text: string): string {
  return text.split(' ').length < 3 || /^(\d+ (year|month|week|day)s? ?)+$/.test(text) ? text : `"${text}"`
}
