// References among the entries of a transaction: Patients, Practitioners, Organizations and Locations become part of the
// Immunizations that refer to them.
import { foldReferences, type Folded, type Meaning, type Referable } from '../../fhir/fold-references.js'
import type { Issue } from '../../fhir/issue.js'
import { parseJson, type ParsedJson } from '../../fhir/parse-json.js'
import type { Payload } from '../../ingest/submission.js'
import { doorFault } from '../door-fault.js'
import type { ContainedPlaces } from './answer-entry.js'
import type { EntryPlan } from './plan-entry.js'
import type { BundleEntry } from './read-bundle.js'

export interface FoldedEntry {
  payload: Payload
  places: ContainedPlaces
  used: ReadonlySet<number>
  /** One for each reference that leads nowhere. */
  faults: Issue[]
}

/** Entries by what a reference may call them. */
export interface EntryDirectory {
  findSupporting: (reference: string) => Referable | undefined
  /** Index of the entry of an Immunization. */
  findImmunization: (reference: string) => number | undefined
}

export function createDirectory(entries: readonly BundleEntry[], plans: readonly EntryPlan[]): EntryDirectory {
  const supporting = new Map<string, Referable>()
  const immunizations = new Map<string, number>()
  for (const { index, fullUrl, resource } of entries) {
    const plan = plans[index]
    if (fullUrl === undefined || resource === undefined) continue
    for (const name of namesOf(fullUrl)) {
      if (plan?.kind === 'write') immunizations.set(name, index)
      else if (plan?.kind === 'supporting' && plan.type !== 'Provenance')
        supporting.set(name, { index, type: plan.type, resource })
    }
  }
  return {
    findSupporting: (reference) => supporting.get(reference),
    findImmunization: (reference) => immunizations.get(reference)
  }
}

/** `limitBytes`: what folding may make of all entries together, or one Patient of a megabyte fills a disk. */
export function createFolding(directory: EntryDirectory, limitBytes: number) {
  let spentBytes = 0
  const fold = (index: number, resource: ParsedJson, find: (reference: string) => Meaning | undefined): Folded => {
    const folded = foldReferences(index, resource, find)
    if (folded.containedFrom.length > 0) spentBytes += folded.text.length
    if (spentBytes <= limitBytes) return folded
    const text = 'the resources that the Immunizations share make too much when each holds them; send fewer at once'
    throw doorFault(413, 'too-costly', 'bundle-too-large-folded', text)
  }
  return {
    /** @throws FhirError 413 */
    immunization(index: number, resource: ParsedJson): FoldedEntry {
      const folded = fold(index, resource, directory.findSupporting)
      const isSame = folded.text === resource.text
      return {
        payload: isSame ? resource : { ...parseJson(Buffer.from(folded.text)), sentText: resource.text },
        places: { own: ownContained(resource.value), containedFrom: folded.containedFrom },
        used: folded.used,
        faults: folded.unresolved.map(unresolvedReference)
      }
    },
    /** A Provenance, whose targets become `targetOf(index)` of the entries that they name. @throws FhirError 413 */
    provenance(index: number, resource: ParsedJson, targetOf: (index: number) => string): Folded {
      return fold(index, resource, (reference) => {
        const target = directory.findImmunization(reference)
        return target === undefined ? directory.findSupporting(reference) : { literal: targetOf(target) }
      })
    }
  }
}
export type Folding = ReturnType<typeof createFolding>

export function unresolvedReference(path: string): Issue {
  return {
    severity: 'error',
    code: 'not-found',
    layer: 'base',
    rule: 'bundle-reference-unresolved',
    text: 'this reference names nothing in the Bundle: it must be the fullUrl of another entry that may be referred to',
    expression: [path]
  }
}

/** A fullUrl, and Type/id where it is of a server. */
function namesOf(fullUrl: string): string[] {
  const relative = /^https?:\/\/.*\/([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})$/.exec(fullUrl)?.[1]
  return relative === undefined ? [fullUrl] : [fullUrl, relative]
}

function ownContained(value: unknown): number {
  const contained: unknown = typeof value === 'object' && value !== null && 'contained' in value ? value.contained : []
  return Array.isArray(contained) ? contained.length : 0
}
