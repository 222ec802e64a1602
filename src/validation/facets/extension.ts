// Lists of extensions: each item is judged by the definition its url names, wherever it stands; profiles count them.
import type { Check } from '../check.js'
import { type Authority, BASE_R4 } from '../definitions/element-tree.js'
import { isObject } from '../definitions/structure-definition.js'
import type { ExtensionPlace, ExtensionSlice, ObjectPlan } from '../plan.js'
import { below, isFull, isSaidEnough, itemOf, type Place, report, type Run } from '../run.js'
import { isAbsoluteUri, reportRelative } from './absolute-uri.js'
import { readItems } from './list.js'

/** A known extension, compiled. */
export interface KnownExtension {
  check: Check
  isModifier: boolean
  /** Elements where it may stand; undefined when its definition names none that can be checked. */
  contexts: readonly string[] | undefined
  by: Authority
}

export interface ExtensionRegistry {
  find(url: string): KnownExtension | undefined
  /** The bare Extension type, for what is not known. */
  anyExtension(): Check
}

interface SliceRule {
  number: number
  slice: ExtensionSlice
  part: Check | undefined
}

export function buildExtensions(
  place: ExtensionPlace,
  owner: ObjectPlan,
  registry: ExtensionRegistry,
  compile: (plan: ObjectPlan) => Check
): Check {
  const rules = new Map<string, SliceRule>()
  place.slices.forEach((slice, number) => {
    rules.set(slice.url, { number, slice, part: slice.part === undefined ? undefined : compile(slice.part) })
  })
  const hasRequired = place.slices.some((slice) => slice.min > 0)
  // Kept for known urls only, so that strangers cannot fill the memory.
  const verdicts = new Map<string, Verdict>()
  const judgeItem = (url: string): Verdict => {
    const before = verdicts.get(url)
    if (before !== undefined) return before
    const verdict = judge(url, place, owner, rules.get(url), registry)
    if (verdict.known !== undefined || verdict.rule !== undefined) verdicts.set(url, verdict)
    return verdict
  }
  return {
    passes(value, ownerObject, run) {
      if (!Array.isArray(value) || value.length === 0) return false
      let counts: number[] | undefined
      for (let index = 0; index < value.length; index++) {
        const item: unknown = value[index]
        const url = urlOf(item)
        if (url === undefined) return false
        const verdict = judgeItem(url)
        if (verdict.fault !== undefined) {
          if (verdict.fault !== 'unknown') return false
          run.hasRemarks = true
        }
        if (!verdict.check.passes(item, ownerObject, run)) return false
        if (verdict.rule !== undefined) {
          counts ??= place.slices.map(() => 0)
          counts[verdict.rule.number] = (counts[verdict.rule.number] ?? 0) + 1
        }
      }
      if (counts === undefined) return !hasRequired
      return place.slices.every((slice, number) => isCountRight(slice, counts[number] ?? 0))
    },
    explain(value, ownerObject, at, run) {
      const counts = place.slices.map(() => 0)
      const items = readItems(value, at, run)
      for (let index = 0; index < items.length && !isFull(run); index++) {
        const item = items[index]
        const itemPlace = itemOf(at, index)
        const url = urlOf(item)
        if (url === undefined) {
          registry.anyExtension().explain(item, ownerObject, itemPlace, run)
          continue
        }
        const verdict = judgeItem(url)
        const isMinor = verdict.fault === undefined || (verdict.fault === 'unknown' && isSaidEnough(run))
        if (!isMinor) sayFault(verdict, url, place, itemPlace, run)
        if (!isMinor || !isSaidEnough(run) || !verdict.check.passes(item, ownerObject, run)) {
          verdict.check.explain(item, ownerObject, itemPlace, run)
        }
        if (verdict.rule !== undefined) counts[verdict.rule.number] = (counts[verdict.rule.number] ?? 0) + 1
      }
      if (items.length > 0) sayCounts(place.slices, counts, at, run)
    }
  }
}

interface Verdict {
  check: Check
  fault: 'unknown' | 'relative' | 'unknown-modifier' | 'unknown-part' | 'context' | 'kind' | undefined
  rule: SliceRule | undefined
  known: KnownExtension | undefined
}

function judge(
  url: string,
  place: ExtensionPlace,
  owner: ObjectPlan,
  rule: SliceRule | undefined,
  registry: ExtensionRegistry
): Verdict {
  if (rule?.part !== undefined) return { check: rule.part, fault: undefined, rule, known: undefined }
  const known = registry.find(url)
  if (known !== undefined) {
    const { check } = known
    if (known.isModifier !== place.isModifier) return { check, fault: 'kind', rule, known }
    const isAtHome = known.contexts?.some((context) => owner.contexts.has(context)) ?? true
    // A profile that names the extension here knows better than the extension's own list of places.
    return { check, fault: isAtHome || rule !== undefined ? undefined : 'context', rule, known }
  }
  const check = registry.anyExtension()
  // Only the parts of an extension have names that are not absolute.
  if (owner.name !== 'Extension' && !isAbsoluteUri(url)) return { check, fault: 'relative', rule, known }
  if (place.isModifier) return { check, fault: 'unknown-modifier', rule, known }
  if (place.hasKnownParts && !url.includes(':')) return { check, fault: 'unknown-part', rule, known }
  return { check, fault: 'unknown', rule, known }
}

function sayFault(verdict: Verdict, url: string, place: ExtensionPlace, at: Place, run: Run): void {
  const by = verdict.known?.by ?? (verdict.fault === 'unknown-part' ? place.by : BASE_R4)
  switch (verdict.fault) {
    case undefined:
      return
    case 'unknown':
      report(
        run,
        by,
        'extension-unknown',
        at,
        'is an extension that is not known here; it is kept, its content is not judged'
      )
      return
    case 'relative':
      if (url.trim() !== '') reportRelative(below(at, 'url'), run)
      return
    case 'unknown-modifier':
      report(
        run,
        by,
        'modifier-extension',
        at,
        'changes the meaning in a way not known here; remove it or agree on it first'
      )
      return
    case 'unknown-part':
      report(run, by, 'extension-part', at, `is no part of this extension; its parts are ${partNames(place)}`)
      return
    case 'context': {
      const homes = verdict.known?.contexts?.join(', ') ?? ''
      report(run, by, 'extension-context', at, `does not belong here: ${lastSegment(url)} belongs on ${homes}`)
      return
    }
    case 'kind': {
      const list = place.isModifier ? 'extension' : 'modifierExtension'
      report(run, by, 'extension-context', at, `stands in the wrong list: ${lastSegment(url)} goes into ${list}`)
      return
    }
    default:
      verdict.fault satisfies never
  }
}

function partNames(place: ExtensionPlace): string {
  return place.slices.map((slice) => slice.url).join(', ') || 'none'
}

function isCountRight(slice: ExtensionSlice, count: number): boolean {
  return count >= slice.min && count <= slice.max
}

function sayCounts(slices: readonly ExtensionSlice[], counts: readonly number[], at: Place, run: Run): void {
  slices.forEach((slice, number) => {
    const count = counts[number] ?? 0
    const name = lastSegment(slice.url)
    if (count > slice.max) {
      const what = `has ${name} more than ${slice.max} times (${slice.maxBy.label}); keep ${slice.max}`
      report(run, slice.maxBy, 'slice-max', at, what)
    }
    if (count < slice.min) {
      report(run, slice.minBy, 'slice-min', at, `needs the extension ${name} (${slice.minBy.label}); add it`)
    }
  })
}

function urlOf(item: unknown): string | undefined {
  const url = isObject(item) ? item['url'] : undefined
  return typeof url === 'string' ? url : undefined
}

function lastSegment(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1)
}
