// A resource inside another: contained ones share their container's ids, entries of a Bundle stand for themselves.
import type { Check } from '../check.js'
import { BASE_R4 } from '../definitions/element-tree.js'
import { isObject, type JsonObject } from '../definitions/structure-definition.js'
import type { ValuePlan } from '../plan.js'
import { below, itemOf, report, type Run } from '../run.js'

export interface ResourceRegistry {
  /** The check of a type by its default profile; undefined for an unknown or abstract type. */
  find(type: string): Check | undefined
  /** The check of a profile that a definition names. */
  read(canonical: string): Check
}

export function buildResource(plan: Extract<ValuePlan, { kind: 'resource' }>, registry: ResourceRegistry): Check {
  const find = (value: unknown): Check | undefined => {
    const type = isObject(value) ? value['resourceType'] : undefined
    return typeof type === 'string' ? registry.find(type) : undefined
  }
  const isAllowed = (value: unknown): boolean =>
    plan.types === undefined || (isObject(value) && plan.types.has(String(value['resourceType'])))
  const { isContained } = plan
  const canonical = plan.profile
  // Found when first needed: profiles may name each other in circles.
  const profile = canonical === undefined ? undefined : (): Check => registry.read(canonical)
  return {
    passes(value, owner, run) {
      const check = find(value)
      if (check === undefined || !isAllowed(value)) return false
      const before = enter(value as JsonObject, isContained, run)
      const isSound = check.passes(value, owner, run) && (profile?.().passes(value, owner, run) ?? true)
      leave(value as JsonObject, isContained, before, run)
      return isSound
    },
    explain(value, owner, place, run) {
      const check = find(value)
      if (!isObject(value)) {
        report(run, BASE_R4, value === null ? 'null' : 'json-type', place, 'must be a resource, a JSON object')
      } else if (check === undefined) {
        const at = below(place, 'resourceType')
        report(run, BASE_R4, 'resource-type', at, 'must name a resource type of FHIR R4', { severity: 'error' })
      } else {
        if (!isAllowed(value)) {
          const wanted = [...(plan.types ?? [])].join(', ')
          report(run, plan.by, 'resource-not-allowed', place, `must be a resource of type ${wanted} (${plan.by.label})`)
        }
        const before = enter(value, isContained, run)
        check.explain(value, owner, place, run)
        profile?.().explain(value, owner, place, run)
        leave(value, isContained, before, run)
      }
    }
  }
}

type Surroundings = Pick<
  Run,
  'container' | 'inContained' | 'reachedContainer' | 'containedTypes' | 'localTargets' | 'tiedContained'
>

// A contained resource stays among its neighbours; any other is a container of its own.
function enter(resource: JsonObject, isContained: boolean, run: Run): Surroundings {
  const { container, inContained, reachedContainer, containedTypes, localTargets, tiedContained } = run
  const before = { container, inContained, reachedContainer, containedTypes, localTargets, tiedContained }
  run.inContained = isContained
  run.reachedContainer = false
  if (!isContained) {
    run.container = resource
    run.containedTypes = run.localTargets = run.tiedContained = undefined
  }
  return before
}

function leave(resource: JsonObject, isContained: boolean, before: Surroundings, run: Run): void {
  if (isContained && run.reachedContainer) {
    run.tiedContained ??= new Set()
    run.tiedContained.add(resource)
  }
  run.inContained = before.inContained
  run.reachedContainer = before.reachedContainer
  if (isContained) return
  run.container = before.container
  run.containedTypes = before.containedTypes
  run.localTargets = before.localTargets
  run.tiedContained = before.tiedContained
}

/** Contained resources have ids and are told apart by them. */
export function buildContainedIds(): Check {
  return {
    passes: (value) =>
      !Array.isArray(value) || (!value.some(lacksId) && (value.length < 2 || repeatedIds(value).length === 0)),
    explain(value, _owner, place, run) {
      if (!Array.isArray(value)) return
      value.forEach((resource, index) => {
        if (!lacksId(resource)) return
        const at = below(itemOf(place, index), 'id')
        report(run, BASE_R4, 'contained-id', at, 'is missing: a contained resource is referred to by it; add one')
      })
      for (const index of repeatedIds(value)) {
        const at = below(itemOf(place, index), 'id')
        report(run, BASE_R4, 'contained-id', at, 'is the id of another contained resource too; give each its own')
      }
    }
  }
}

function repeatedIds(resources: readonly unknown[]): readonly number[] {
  if (resources.length === 2 && idOf(resources[0]) !== idOf(resources[1])) return NONE
  const seen = new Set<unknown>()
  return resources.flatMap((resource, index) => {
    const id = idOf(resource)
    if (id === undefined) return []
    const isRepeated = seen.has(id)
    seen.add(id)
    return isRepeated ? [index] : []
  })
}

const NONE: readonly number[] = []

function lacksId(resource: unknown): boolean {
  return isObject(resource) && resource['id'] === undefined
}

function idOf(resource: unknown): unknown {
  return isObject(resource) ? resource['id'] : undefined
}
