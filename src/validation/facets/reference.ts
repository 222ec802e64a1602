// A Reference: its form, the type it points at, and the local ids it uses (ref-1 and dom-3 read those).
import type { Check } from '../check.js'
import { BASE_R4 } from '../definitions/element-tree.js'
import { HL7_DEFINITION, isObject, type JsonObject } from '../definitions/structure-definition.js'
import type { TargetPlan } from '../plan.js'
import { isId } from '../primitives/text.js'
import { below, report, type Run } from '../run.js'

const FORMS = 'must be Type/id, an absolute URL, urn:uuid:, urn:oid: or #id'

/** What is wrong with a reference; undefined when nothing is. */
type Fault = 'dangling' | 'spaces' | 'form' | 'type' | 'target'

export function buildReference(targets: TargetPlan | undefined, resourceTypes: ReadonlySet<string>): Check {
  return {
    passes(value, _owner, run) {
      const fault = isObject(value) ? faultOf(value, targets, resourceTypes, run) : undefined
      if (fault === 'form') run.hasRemarks = true
      return fault === undefined || fault === 'form'
    },
    explain(value, _owner, place, run) {
      const fault = isObject(value) ? faultOf(value, targets, resourceTypes, run) : undefined
      switch (fault) {
        case undefined:
          return
        case 'dangling':
          report(run, BASE_R4, 'reference-format', place, 'points at a contained resource that is not there', {
            code: 'not-found',
            rule: 'r4-ref-1'
          })
          return
        case 'spaces':
          report(run, BASE_R4, 'reference-format', below(place, 'reference'), `holds white space; it ${FORMS}`)
          return
        case 'form':
          report(run, BASE_R4, 'reference-form', below(place, 'reference'), FORMS)
          return
        case 'type':
          report(run, BASE_R4, 'reference-type', below(place, 'type'), 'differs from the type the reference points at')
          return
        case 'target': {
          const wanted = [...(targets?.types ?? [])].join(', ')
          const by = targets?.by ?? BASE_R4
          report(run, by, 'reference-target', place, `must point at ${wanted} (${by.label})`)
          return
        }
        default:
          return fault satisfies never
      }
    }
  }
}

function faultOf(
  reference: JsonObject,
  targets: TargetPlan | undefined,
  resourceTypes: ReadonlySet<string>,
  run: Run
): Fault | undefined {
  const literal = reference['reference']
  let pointed: string | undefined
  let isOdd = false
  if (typeof literal === 'string') {
    // A literal that is no text at all is left to the rules of its type.
    if (/\s/.test(literal)) return literal.trim() === '' ? undefined : 'spaces'
    const found = literal.charCodeAt(0) === 35 ? readLocal(literal, run) : readLiteral(literal, resourceTypes)
    if (found === 'dangling') return found
    if (found === 'form') isOdd = true
    else pointed = found.type
  }
  const said = reference['type']
  const named = typeof said === 'string' ? typeName(said) : undefined
  if (pointed !== undefined && named !== undefined && pointed !== named) return 'type'
  const type = pointed ?? named
  if (targets !== undefined && type !== undefined && !targets.types.has(type)) return 'target'
  return isOdd ? 'form' : undefined
}

function typeName(said: string): string {
  return said.startsWith(HL7_DEFINITION) ? said.slice(HL7_DEFINITION.length) : said
}

// `#id` is a contained resource of the same container, `#` alone the container itself, seen from inside.
function readLocal(literal: string, run: Run): { type: string | undefined } | 'dangling' {
  const id = literal.slice(1)
  if (id === '') {
    if (!run.inContained) return 'dangling'
    run.reachedContainer = true
    const type = run.container['resourceType']
    return { type: typeof type === 'string' ? type : undefined }
  }
  run.localTargets ??= new Set()
  run.localTargets.add(id)
  run.containedTypes ??= readContainedTypes(run.container)
  return run.containedTypes.has(id) ? { type: run.containedTypes.get(id) } : 'dangling'
}

function readContainedTypes(container: JsonObject): Map<string, string> {
  const types = new Map<string, string>()
  const contained: unknown[] = Array.isArray(container['contained']) ? container['contained'] : []
  for (const resource of contained) {
    if (!isObject(resource)) continue
    const { id, resourceType } = resource
    if (typeof id === 'string' && typeof resourceType === 'string') types.set(id, resourceType)
  }
  return types
}

// Type/id, with or without a server before it and a version behind it. What is not a REST address keeps its type to itself.
function readLiteral(literal: string, resourceTypes: ReadonlySet<string>): { type: string | undefined } | 'form' {
  const isAbsolute = /^[A-Za-z][A-Za-z0-9+.-]{0,30}:/.test(literal)
  if (isAbsolute && !literal.startsWith('http')) return { type: undefined }
  const plain = literal.slice(0, endOfPath(literal))
  const segments = plain.split('/', isAbsolute ? 100 : 5)
  if (segments.at(-2) === '_history') segments.splice(-2)
  const type = segments.at(-2) ?? ''
  if (isAbsolute) return { type: resourceTypes.has(type) ? type : undefined }
  if (segments.length === 1 && literal.charAt(plain.length) === '?' && resourceTypes.has(plain)) return { type: plain }
  const isRest = segments.length === 2 && resourceTypes.has(type) && isId(segments[1] ?? '')
  return isRest ? { type } : 'form'
}

function endOfPath(literal: string): number {
  const query = literal.indexOf('?')
  const fragment = literal.indexOf('#')
  const ends = [query, fragment].filter((end) => end >= 0)
  return ends.length === 0 ? literal.length : Math.min(...ends)
}
