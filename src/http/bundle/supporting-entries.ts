// Entries of a transaction that are not records: what becomes of them.
import type { Issue } from '../../fhir/issue.js'
import type { Verdict } from '../../ingest/submission.js'
import type { Stores } from '../../storage/database.js'
import type { TransactionPlan } from './plan-transaction.js'

/** What the sender of each is told. */
export function describeSupporting({ supporting, provenances }: TransactionPlan): Map<number, Issue> {
  const told = new Map<number, Issue>()
  for (const [index, users] of supporting) told.set(index, users.length > 0 ? kept(users) : unused(index))
  for (const { index, targets } of provenances) told.set(index, kept(targets))
  return told
}

function kept(users: readonly number[]): Issue {
  const places = [...new Set(users)].map((user) => `Bundle.entry[${user}]`)
  return {
    severity: 'information',
    code: 'informational',
    layer: 'service',
    rule: 'bundle-entry-folded',
    text: `kept with ${places.join(', ')}, not as a resource of its own; of an Organization or a Location with a code, the code`,
    expression: places
  }
}

function unused(index: number): Issue {
  return {
    severity: 'warning',
    code: 'business-rule',
    layer: 'service',
    rule: 'bundle-entry-unused',
    text: 'no Immunization of this transaction refers to this entry, so it was not kept; check fullUrl and the references',
    expression: [`Bundle.entry[${index}]`]
  }
}

/** Writes each Provenance beside the versions it is about, which it names by their ids now. */
export async function keepProvenances(
  { writes, provenances, folding }: TransactionPlan,
  verdicts: readonly Verdict[],
  stores: Stores
): Promise<void> {
  const records = new Map(writes.map(({ index }, place) => [index, verdicts[place]?.record]))
  const referenceTo = (index: number): string => {
    const record = records.get(index)
    return record === undefined ? '' : `Immunization/${record.recordId}/_history/${record.version}`
  }
  const notes = provenances.flatMap(({ index, entry, targets }) => {
    if (entry.resource === undefined) return []
    const { text } = folding.provenance(index, entry.resource, referenceTo)
    return targets.flatMap((target) => {
      const record = records.get(target)
      return record === undefined ? [] : [{ recordId: record.recordId, version: record.version, body: text }]
    })
  })
  await stores.provenances.insert(notes)
}
