// Tolerant mode, for suppliers whose software writes {} or [] or null where there is nothing: takes them out before
// judging and says so. Off unless a supplier's settings turn it on; what was received is kept as it was sent.
// NHS services do the same by accident: parsing and writing again drops what their model cannot hold.
import type { Issue } from '../fhir/issue.js'
import { BASE_R4 } from './definitions/element-tree.js'
import { below, itemOf, MAX_DEPTH, type Place, report, rootPlace, type Run, startRun } from './run.js'

export interface Tolerated {
  resource: unknown
  /** One warning for each place that was taken out. */
  issues: Issue[]
}

/** A copy without empty objects, empty arrays and nulls; the resource itself when there are none. Never mutates. */
export function dropEmpties(resource: unknown): Tolerated {
  const run = startRun({})
  const type =
    typeof resource === 'object' && resource !== null && 'resourceType' in resource ? resource.resourceType : ''
  const place = rootPlace(typeof type === 'string' && /^[A-Za-z]{1,64}$/.test(type) ? type : 'Resource')
  const cleaned = clean(resource, place, run, 0)
  return { resource: cleaned === undefined ? resource : cleaned, issues: run.issues }
}

// Undefined for what is empty. Nulls inside arrays stay: they may hold the place of an extension.
function clean(value: unknown, place: Place, run: Run, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value
  if (Array.isArray(value)) return cleanList(value, place, run, depth)
  const kept: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  let isChanged = false
  let count = 0
  for (const [name, member] of Object.entries(value)) {
    const at = /^_?[A-Za-z][A-Za-z0-9]{0,63}$/.test(name) ? below(place, name) : place
    const cleaned = member === null ? undefined : clean(member, at, run, depth + 1)
    if (cleaned === undefined) {
      sayDropped(at, run)
    } else {
      kept[name] = cleaned
      count++
    }
    isChanged ||= cleaned !== member
  }
  if (count === 0) return undefined
  return isChanged ? { ...kept } : value
}

function cleanList(list: readonly unknown[], place: Place, run: Run, depth: number): unknown {
  if (list.length === 0) return undefined
  let isChanged = false
  const kept: unknown[] = []
  for (const [index, item] of list.entries()) {
    const at = itemOf(place, index)
    const cleaned = clean(item, at, run, depth + 1)
    if (cleaned !== item) isChanged = true
    if (cleaned === undefined) sayDropped(at, run)
    else kept.push(cleaned)
  }
  if (kept.length === 0) return undefined
  return isChanged ? kept : list
}

function sayDropped(place: Place, run: Run): void {
  report(run, BASE_R4, 'empty-dropped', place, 'was empty and was left out; send nothing where there is nothing to say')
}
