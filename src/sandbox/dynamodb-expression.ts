// The part of DynamoDB's expression language that an eligibility store is written with.
// Source: Amazon DynamoDB developer guide, condition and update expressions, checked 2026-11-22.

/** A typed attribute value, like {"S": "text"}, {"N": "1"} or {"NULL": true}. */
export type AttributeValue = Record<string, unknown>
export type Item = Record<string, AttributeValue>

export interface Placeholders {
  names: Record<string, string>
  values: Record<string, AttributeValue>
}

/** An expression we do not know: answered as a ValidationException. */
export class ExpressionFault extends Error {}

/** AND binds stronger than OR; parentheses are not known. @throws ExpressionFault */
export function isConditionMet(condition: string, item: Item | undefined, placeholders: Placeholders): boolean {
  return condition
    .split(/\s+OR\s+/i)
    .some((part) => part.split(/\s+AND\s+/i).every((term) => isTermMet(term.trim(), item ?? {}, placeholders)))
}

/** The item with the SET actions applied, each `name = :value`. @throws ExpressionFault */
export function applyUpdate(expression: string, item: Item, placeholders: Placeholders): Item {
  const assignments = /^SET\s+(.+)$/is.exec(expression.trim())?.[1]
  if (assignments === undefined) throw new ExpressionFault('only SET is supported by the sandbox')
  const changed = { ...item }
  for (const assignment of assignments.split(',')) {
    const [, name, value] = /^\s*([#\w]+)\s*=\s*(:\w+)\s*$/.exec(assignment) ?? []
    if (name === undefined || value === undefined) throw new ExpressionFault(`cannot read: ${assignment.trim()}`)
    changed[nameOf(name, placeholders)] = valueOf(value, placeholders)
  }
  return changed
}

function isTermMet(term: string, item: Item, placeholders: Placeholders): boolean {
  const [, negated, path] = /^attribute_(not_)?exists\s*\(\s*([#\w]+)\s*\)$/.exec(term) ?? []
  if (path !== undefined) return (item[nameOf(path, placeholders)] === undefined) === (negated !== undefined)
  const [, name, operator, value] = /^([#\w]+)\s*(=|<>|<=|>=|<|>)\s*(:\w+)$/.exec(term) ?? []
  if (name === undefined || operator === undefined || value === undefined)
    throw new ExpressionFault(`cannot read: ${term}`)
  const held = item[nameOf(name, placeholders)]
  return held !== undefined && compare(held, operator, valueOf(value, placeholders))
}

function compare(held: AttributeValue, operator: string, given: AttributeValue): boolean {
  const [type = ''] = Object.keys(held)
  if (!(type in given)) return operator === '<>'
  const [left, right] = [held[type], given[type]].map((value) => (type === 'N' ? Number(value) : String(value)))
  if (left === undefined || right === undefined) return false
  switch (operator) {
    case '=':
      return left === right
    case '<>':
      return left !== right
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    default:
      return left >= right
  }
}

function nameOf(path: string, { names }: Placeholders): string {
  const name = path.startsWith('#') ? names[path] : path
  if (name === undefined) throw new ExpressionFault(`${path} is not in ExpressionAttributeNames`)
  return name
}

function valueOf(placeholder: string, { values }: Placeholders): AttributeValue {
  const value = values[placeholder]
  if (value === undefined) throw new ExpressionFault(`${placeholder} is not in ExpressionAttributeValues`)
  return value
}
