// Slices of a list: every item goes to the first slice whose tests it passes, the others are judged by the list itself.
import type { Check } from '../check.js'
import { isObject } from '../definitions/structure-definition.js'
import type { DiscriminatorTest, SlicePlan, SlicingPlan } from '../plan.js'
import { isFull, itemOf, type Place, report, type Run } from '../run.js'
import type { Terminology } from '../code-set.js'
import { holdsPattern, isEqual } from './fixed.js'
import { readItems } from './list.js'

interface CompiledSlice {
  plan: SlicePlan
  check: Check
  matches(item: unknown): boolean
}

export function buildSlicing(
  slicing: SlicingPlan,
  unsliced: Check,
  compile: (slice: SlicePlan) => Check,
  terminology: Terminology
): Check {
  const slices = slicing.slices.map((plan): CompiledSlice => {
    const tests = plan.tests.map((test) => buildTest(test, terminology))
    const [only] = tests
    const matches = (item: unknown): boolean => tests.every((test) => test(item))
    return { plan, check: compile(plan), matches: only !== undefined && tests.length === 1 ? only : matches }
  })
  const find = (item: unknown): number => {
    for (let number = 0; number < slices.length; number++) if (slices[number]?.matches(item) === true) return number
    return -1
  }
  return {
    passes(value, owner, run) {
      if (!Array.isArray(value) || value.length === 0) return false
      const counts = slices.map(() => 0)
      for (let index = 0; index < value.length; index++) {
        const item: unknown = value[index]
        const number = find(item)
        const slice = slices[number]
        if (slice === undefined && slicing.isClosed) return false
        if (slice !== undefined) counts[number] = (counts[number] ?? 0) + 1
        if (!(slice?.check ?? unsliced).passes(item, owner, run)) return false
      }
      for (let number = 0; number < slices.length; number++) {
        const count = counts[number] ?? 0
        const plan = slices[number]?.plan
        if (plan !== undefined && (count < plan.min || count > plan.max)) return false
      }
      return true
    },
    explain(value, owner, place, run) {
      const counts = slices.map(() => 0)
      const items = readItems(value, place, run)
      for (let index = 0; index < items.length && !isFull(run); index++) {
        const item = items[index]
        const number = find(item)
        const slice = slices[number]
        const at = itemOf(place, index)
        if (slice === undefined && slicing.isClosed) {
          report(
            run,
            slicing.by,
            'slice-closed',
            at,
            `fits none of the kinds that ${slicing.by.label} allows; remove it`
          )
        }
        if (slice !== undefined) counts[number] = (counts[number] ?? 0) + 1
        ;(slice?.check ?? unsliced).explain(item, owner, at, run)
      }
      if (items.length > 0) sayCounts(slices, counts, place, run)
    }
  }
}

function sayCounts(slices: readonly CompiledSlice[], counts: readonly number[], place: Place, run: Run): void {
  slices.forEach(({ plan }, number) => {
    const count = counts[number] ?? 0
    if (count > plan.max) {
      const what = `has more than ${plan.max} of the kind ${plan.name} (${plan.maxBy.label}); keep ${plan.max}`
      report(run, plan.maxBy, 'slice-max', place, what)
    }
    if (count < plan.min) {
      report(run, plan.minBy, 'slice-min', place, `needs ${plan.min} of the kind ${plan.name} (${plan.minBy.label})`)
    }
  })
}

function buildTest(test: DiscriminatorTest, terminology: Terminology): (item: unknown) => boolean {
  const { path } = test
  switch (test.kind) {
    case 'equals': {
      const [name] = path
      const { value } = test
      if (path.length === 1 && name !== undefined && typeof value === 'string')
        return (item) => hasMember(item, name, value)
      const same = test.isPattern ? holdsPattern : isEqual
      return (item) => valuesAt(item, path).some((found) => same(found, value))
    }
    case 'in-value-set': {
      const set = terminology.find(test.valueSet)
      return (item) => valuesAt(item, path).some((value) => set !== undefined && isMember(value, set))
    }
    case 'exists':
      return (item) => valuesAt(item, path).length > 0 === test.expected
    case 'type':
      return (item) => typesAt(item, path).some((type) => test.types.has(type))
  }
}

// The usual discriminator, identifier.system: one plain member that equals a text.
function hasMember(item: unknown, name: string, wanted: string): boolean {
  if (!isObject(item)) return false
  const found = item[name]
  return found === wanted || (Array.isArray(found) && found.includes(wanted))
}

function isMember(value: unknown, set: NonNullable<ReturnType<Terminology['find']>>): boolean {
  if (typeof value === 'string') return set.test(undefined, value) === 'member'
  if (!isObject(value)) return false
  const codings: unknown[] = Array.isArray(value['coding']) ? value['coding'] : [value]
  return codings.some((coding) => {
    if (!isObject(coding) || typeof coding['code'] !== 'string') return false
    return set.test(typeof coding['system'] === 'string' ? coding['system'] : '', coding['code']) === 'member'
  })
}

/** Every value at a path of plain names, through lists on the way. */
function valuesAt(item: unknown, path: readonly string[]): unknown[] {
  let values: unknown[] = [item]
  for (const step of path) {
    values = values.flatMap((value): unknown[] => {
      if (!isObject(value)) return []
      const found = value[step] ?? choiceValue(value, step)
      if (found === undefined) return []
      return Array.isArray(found) ? found : [found]
    })
  }
  return values
}

function choiceValue(object: Record<string, unknown>, stem: string): unknown {
  const key = Object.keys(object).find((name) => name.startsWith(stem) && isCapital(name.charCodeAt(stem.length)))
  return key === undefined ? undefined : object[key]
}

// The type of a value that says it itself (a resource) or whose JSON name ends with it (a choice).
function typesAt(item: unknown, path: readonly string[]): string[] {
  const last = path.at(-1)
  if (last === undefined)
    return isObject(item) && typeof item['resourceType'] === 'string' ? [item['resourceType']] : []
  return valuesAt(item, path.slice(0, -1)).flatMap((owner) => {
    if (!isObject(owner)) return []
    const direct = owner[last]
    if (isObject(direct) && typeof direct['resourceType'] === 'string') return [direct['resourceType']]
    return Object.keys(owner)
      .filter((name) => name.startsWith(last) && isCapital(name.charCodeAt(last.length)))
      .flatMap((name) => [
        name.slice(last.length),
        name.charAt(last.length).toLowerCase() + name.slice(last.length + 1)
      ])
  })
}

function isCapital(code: number): boolean {
  return code >= 65 && code <= 90
}
