// Single mutations of a valid resource for property tests, and the FHIRPath that the fault must be reported at.

export type Step = string | number

export interface Mutation {
  kind: MutationKind
  path: Step[]
}

export const MUTATION_KINDS = [
  'wrong-type',
  'null',
  'empty-object',
  'empty-array',
  'empty-string',
  'unknown-member',
  'array-or-not'
] as const
export type MutationKind = (typeof MUTATION_KINDS)[number]

/** Every place below the root of a resource, the name of its own type left out. */
export function placesOf(value: unknown, path: Step[] = []): Step[][] {
  const own = path.length === 0 ? [] : [path]
  if (Array.isArray(value)) return [...own, ...value.flatMap((item, index) => placesOf(item, [...path, index]))]
  if (typeof value !== 'object' || value === null) return own
  const members = Object.entries(value).filter(([name]) => path.length > 0 || name !== 'resourceType')
  return [...own, ...members.flatMap(([name, member]) => placesOf(member, [...path, name]))]
}

/** A mutated copy; undefined where this kind of mutation has nothing to change at this place. */
export function mutate(resource: object, { kind, path }: Mutation): object | undefined {
  const copy = structuredClone(resource)
  const last = path.at(-1) ?? ''
  const owner = path
    .slice(0, -1)
    .reduce<Record<Step, unknown>>((at, step) => at[step] as Record<Step, unknown>, copy as Record<Step, unknown>)
  const value = owner[last]
  const changed = change(kind, value, typeof last === 'number')
  if (changed === undefined) return undefined
  owner[last] = changed
  return copy
}

function change(kind: MutationKind, value: unknown, isItem: boolean): unknown {
  switch (kind) {
    case 'wrong-type':
      return typeof value === 'string' ? 7 : 'wrong type'
    case 'null':
      return null
    case 'empty-object':
      return {}
    case 'empty-array':
      return []
    case 'empty-string':
      return ''
    case 'unknown-member':
      return typeof value === 'object' && !Array.isArray(value) ? { ...value, notAnElement: true } : undefined
    case 'array-or-not':
      return Array.isArray(value) ? value[0] : isItem ? undefined : [value]
  }
}

const CHOICES = /^(occurrence|value|doseNumber|seriesDoses|author)([A-Z]\w*)$/

/** Simple FHIRPath of a JSON place, choices as `occurrence.ofType(dateTime)`. */
export function expressionOf(type: string, path: readonly Step[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    const choice = CHOICES.exec(step.replace(/^_/, ''))
    if (choice === null) return `${text}.${step.replace(/^_/, '')}`
    const [, stem = '', name = ''] = choice
    return `${text}.${stem}.ofType(${typeNameOf(name)})`
  }, type)
}

const COMPLEX = new Set(['CodeableConcept', 'Quantity', 'Reference', 'Timing', 'Identifier', 'Period'])

function typeNameOf(name: string): string {
  return COMPLEX.has(name) ? name : name.charAt(0).toLowerCase() + name.slice(1)
}
