// What a transaction will do, entry by entry, with its references resolved. Nothing is looked up.
import type { FoldedEntry } from './fold-entries.js'
import type { Issue } from '../../fhir/issue.js'
import type { ContainedPlaces } from './answer-entry.js'
import type { BundleDeps, BundleSender } from './bundle-deps.js'
import { createDirectory, createFolding, unresolvedReference, type Folding } from './fold-entries.js'
import type { EntryRead } from './entry-read.js'
import { planEntry, WRITE_ORDER, type EntryPlan, type Write } from './plan-entry.js'
import { readProvenance } from './provenance.js'
import type { BundleEntry, BundleRequest } from './read-bundle.js'

export interface TransactionPlan {
  /** In the order in which they are processed. */
  writes: { index: number; write: Write; places?: ContainedPlaces }[]
  reads: { index: number; read: EntryRead }[]
  /** Entries that are kept as parts of others: index -> entries of the records that hold them. */
  supporting: ReadonlyMap<number, readonly number[]>
  provenances: { index: number; entry: BundleEntry; targets: number[] }[]
  refused: ReadonlyMap<number, { status: number; issues: readonly Issue[] }>
  folding: Folding
}

/** @throws FhirError 413 when folding makes too much of it */
export function planTransaction(bundle: BundleRequest, sender: BundleSender, deps: BundleDeps): TransactionPlan {
  const options = { base: deps.base(), isTransaction: true, lenient: sender.prefer.handling === 'lenient' }
  const plans = bundle.entries.map((entry) => planEntry(entry, sender.caller, options))
  const directory = createDirectory(bundle.entries, plans)
  const folding = createFolding(directory, 2 * deps.maxBytes)
  const refused = new Map<number, { status: number; issues: readonly Issue[] }>()
  const supporting = new Map<number, number[]>()
  const provenances: TransactionPlan['provenances'] = []
  const writes: TransactionPlan['writes'] = []
  const reads: TransactionPlan['reads'] = []
  const take = (index: number, used: Iterable<number>): void => {
    for (const other of used) supporting.get(other)?.push(index)
  }
  for (const [index, plan] of plans.entries()) if (isPart(plan)) supporting.set(index, [])
  for (const [index, plan] of plans.entries()) {
    const entry = bundle.entries[index]
    switch (plan.kind) {
      case 'refused':
        refused.set(index, plan)
        break
      case 'read':
        reads.push({ index, read: plan.read })
        break
      case 'write': {
        const folded = foldWrite(index, plan.write, folding)
        take(index, folded.used)
        if (folded.faults.length > 0) refused.set(index, { status: 400, issues: folded.faults })
        writes.push({ index, write: folded.write, ...(folded.places === undefined ? {} : { places: folded.places }) })
        break
      }
      case 'supporting': {
        if (plan.type !== 'Provenance' || entry?.resource === undefined) break
        const { targets, faults } = readProvenance(index, entry.resource, directory)
        const { used, unresolved } = folding.provenance(index, entry.resource, () => '')
        faults.push(...unresolved.map(unresolvedReference))
        take(index, used)
        if (faults.length > 0) refused.set(index, { status: 400, issues: faults })
        provenances.push({ index, entry, targets })
      }
    }
  }
  writes.sort((a, b) => WRITE_ORDER[a.write.kind] - WRITE_ORDER[b.write.kind] || a.index - b.index)
  return { writes, reads, supporting, provenances, refused, folding }
}

function isPart(plan: EntryPlan): boolean {
  return plan.kind === 'supporting' && plan.type !== 'Provenance'
}

interface FoldedWrite {
  write: Write
  places?: ContainedPlaces
  used: ReadonlySet<number>
  faults: FoldedEntry['faults']
}

function foldWrite(index: number, write: Write, folding: Folding): FoldedWrite {
  if (write.kind === 'delete' || write.kind === 'patch') return { write, used: new Set(), faults: [] }
  const { payload, places, used, faults } = folding.immunization(index, write.payload)
  return { write: { ...write, payload }, places, used, faults }
}
