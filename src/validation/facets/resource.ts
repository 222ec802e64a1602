// A resource inside another: contained ones share their container's ids, entries of a Bundle stand for themselves.
import type { Check } from '../check.js'
import type { Authority } from '../definitions/element-tree.js'
import { isObject, type JsonObject } from '../definitions/structure-definition.js'
import type { ValuePlan } from '../plan.js'
import { below, itemOf, report, type Run } from '../run.js'

export interface ResourceRegistry {
  /** The check of a type by its default profile; undefined for an unknown or abstract type. */
  find(type: string): Check | undefined
}

export function buildResource(plan: Extract<ValuePlan, { kind: 'resource' }>, registry: ResourceRegistry): Check {
  const find = (value: unknown): Check | undefined => {
    const type = isObject(value) ? value['resourceType'] : undefined
    return typeof type === 'string' ? registry.find(type) : undefined
  }
  const isAllowed = (value: unknown): boolean =>
    plan.types === undefined || (isObject(value) && plan.types.has(String(value['resourceType'])))
  const within = plan.isContained ? inContained : inOwnRight
  return {
    passes(value, owner, run) {
      const check = find(value)
      if (check === undefined || !isAllowed(value)) return false
      let isSound = false
      within(value as JsonObject, run, () => {
        isSound = check.passes(value, owner, run)
      })
      return isSound
    },
    explain(value, owner, place, run) {
      const check = find(value)
      if (!isObject(value)) {
        report(run, plan.by, value === null ? 'null' : 'json-type', place, 'must be a resource, a JSON object')
      } else if (check === undefined) {
        const at = below(place, 'resourceType')
        report(run, plan.by, 'resource-type', at, 'must name a resource type of FHIR R4', { severity: 'error' })
      } else {
        if (!isAllowed(value)) {
          const wanted = [...(plan.types ?? [])].join(', ')
          report(run, plan.by, 'resource-not-allowed', place, `must be a resource of type ${wanted} (${plan.by.label})`)
        }
        within(value, run, () => {
          check.explain(value, owner, place, run)
        })
      }
    }
  }
}

function inContained(resource: JsonObject, run: Run, judge: () => void): void {
  const { inContained: wasInContained, reachedContainer: hadReached } = run
  run.inContained = true
  run.reachedContainer = false
  judge()
  if (run.reachedContainer) {
    run.tiedContained ??= new Set()
    run.tiedContained.add(resource)
  }
  run.inContained = wasInContained
  run.reachedContainer = hadReached
}

function inOwnRight(resource: JsonObject, run: Run, judge: () => void): void {
  const { container, inContained: wasInContained, containedTypes, localTargets, tiedContained } = run
  Object.assign(run, { container: resource, inContained: false })
  run.containedTypes = run.localTargets = run.tiedContained = undefined
  judge()
  Object.assign(run, { container, inContained: wasInContained, containedTypes, localTargets, tiedContained })
}

/** Contained resources are told apart by their ids. */
export function buildContainedIds(by: Authority): Check {
  return {
    passes: (value) => !Array.isArray(value) || value.length < 2 || repeatedIds(value).length === 0,
    explain(value, _owner, place, run) {
      if (!Array.isArray(value)) return
      for (const index of repeatedIds(value)) {
        const at = below(itemOf(place, index), 'id')
        report(run, by, 'contained-id', at, 'is the id of another contained resource too; give each its own')
      }
    }
  }
}

function repeatedIds(resources: readonly unknown[]): number[] {
  const seen = new Set<unknown>()
  return resources.flatMap((resource, index) => {
    const id = isObject(resource) ? resource['id'] : undefined
    if (id === undefined) return []
    const isRepeated = seen.has(id)
    seen.add(id)
    return isRepeated ? [index] : []
  })
}
