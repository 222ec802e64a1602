// What is known of a patient's records elsewhere is put beside our events again: after a look, after our groups changed,
// and after a person has decided. In a transaction that holds the patient.
import { attachElsewhere } from '../dedup/attach-elsewhere.js'
import type { DedupRules } from '../dedup/dedup-rules.js'
import type { Stores } from '../storage/database.js'
import type { ElsewherePair } from '../storage/elsewhere-pair-store.js'
import type { ElsewhereRecord } from '../storage/elsewhere-store.js'

export interface KnownElsewhere {
  patientKey: string
  /** As it is stored. */
  before: readonly ElsewhereRecord[]
  /** As it is to be from now on. */
  records: readonly ElsewhereRecord[]
}

export interface AttachDeps {
  rules: { dedup: DedupRules }
  now: () => Date
}

/** A record that may tell of one of our events raises a question; groups that it joins or leaves get a new revision. */
export async function attachKnown(
  { patientKey, before, records }: KnownElsewhere,
  stores: Pick<Stores, 'elsewhere' | 'elsewherePairs' | 'events'>,
  { rules, now }: AttachDeps
): Promise<{ after: ElsewhereRecord[]; changedGroupIds: string[] }> {
  const events = await stores.events.findEvents([patientKey])
  const decided = await stores.elsewherePairs.findDecided(patientKey)
  const found = records.map((record) => ({ ...record, decisions: decided.filter((one) => isOf(one, record)) }))
  const attachments = attachElsewhere(found, events, rules.dedup)
  const asked: ElsewherePair[] = []
  const after = records.map(({ attached: _before, ...record }, index): ElsewhereRecord => {
    const made = attachments[index]
    if (made === undefined) return record
    const { recordId, verdict, ...attached } = made
    const { rule, score, features, rulesVersion } = verdict
    const { source, identifier } = record
    if (made.outcome === 'possible') asked.push({ recordId, source, identifier, rule, score, features, rulesVersion })
    return { ...record, attached }
  })
  const changedGroupIds = changedGroups(before, after)
  await stores.elsewhere.replaceOfPatient(patientKey, after, changedGroupIds)
  await stores.elsewherePairs.replaceOpen(patientKey, asked, now())
  return { after, changedGroupIds }
}

type Named = Pick<ElsewhereRecord, 'source' | 'identifier'>

export function isOf(a: Named, b: Named): boolean {
  return a.source === b.source && keyOf(a.identifier) === keyOf(b.identifier)
}

export function keyOf({ system, value }: ElsewhereRecord['identifier']): string {
  return `${system}|${value}`
}

function changedGroups(before: readonly ElsewhereRecord[], after: readonly ElsewhereRecord[]): string[] {
  const tell = (records: readonly ElsewhereRecord[]): Map<string, string> =>
    new Map(
      records.flatMap(({ identifier, attached, fingerprint }) =>
        attached?.outcome === 'same'
          ? [[`${attached.groupId} ${keyOf(identifier)} ${String(fingerprint.primarySource)}`, attached.groupId]]
          : []
      )
    )
  const [was, is] = [tell(before), tell(after)]
  const differing = [...was, ...is].filter(([key]) => !(was.has(key) && is.has(key)))
  return [...new Set(differing.map(([, groupId]) => groupId))].sort()
}
