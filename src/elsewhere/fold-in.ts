// What was found elsewhere becomes part of what is known of a patient: read-only, beside our events. In one transaction,
// under the lock of the patient, as accepting has it.
import type { Attachment } from '../dedup/attach-elsewhere.js'
import type { DedupRules } from '../dedup/dedup-rules.js'
import { fingerprintOf } from '../dedup/fingerprint.js'
import type { ProductAncestry } from '../dedup/product-ancestry.js'
import type { RecordSearch } from '../delivery/destination.js'
import type { Stores } from '../storage/database.js'
import type { ClaimedLookUp, ElsewhereRecord } from '../storage/elsewhere-store.js'
import { attachKnown, keyOf } from './attach-known.js'

export interface FoldDeps {
  rules: { dedup: DedupRules; ancestry: ProductAncestry }
  /** Name of the register. */
  source: string
  now: () => Date
  auditChainId: string
}

export type Found = Extract<RecordSearch, { kind: 'found' }>

export interface Folded {
  /** Records of others, and our own among what was found. */
  held: number
  ours: number
  same: number
  possible: number
}

/** `found` undefined: what is known is compared again. Undefined when the look-up was somebody else's by now. */
export async function foldIn(
  lookUp: ClaimedLookUp,
  found: Found | undefined,
  stores: Stores,
  deps: FoldDeps
): Promise<Folded | undefined> {
  const { patientKey, vaccineType } = lookUp
  const [patient] = await stores.patients.lockFamilies([patientKey])
  // Merged into another since: that one is looked up instead.
  if (patient === undefined || !(await stores.elsewhere.finish(lookUp))) return undefined
  const before = await stores.elsewhere.findOfPatient(patientKey)
  const { records, ours } = await renew(before, lookUp, found, stores, deps)
  const { after, changedGroupIds } = await attachKnown({ patientKey, before, records }, stores, deps)
  const count = (outcome: Attachment['outcome']): number =>
    after.filter(({ attached }) => attached?.outcome === outcome).length
  const folded = { held: after.length, ours, same: count('same'), possible: count('possible') }
  if (found !== undefined || changedGroupIds.length > 0)
    await stores.audit.append(deps.auditChainId, [
      {
        at: deps.now(),
        actor: 'service',
        action: 'elsewhere.folded-in',
        patientKey,
        detail: { source: deps.source, vaccineType, asked: found !== undefined, ...folded }
      }
    ])
  return folded
}

/** Of the vaccine type that was asked for, what was found stands for what was known: what has vanished there is gone. */
async function renew(
  before: readonly ElsewhereRecord[],
  { patientKey, vaccineType }: ClaimedLookUp,
  found: Found | undefined,
  stores: Stores,
  { rules, source, now }: FoldDeps
): Promise<{ records: ElsewhereRecord[]; ours: number }> {
  const said = found?.records ?? []
  const identifiers = [...said.map(({ facts }) => facts.identifier), ...before.map(({ identifier }) => identifier)]
  const own = await stores.elsewhere.findOurs(identifiers)
  const isOurs = ({ system, value }: ElsewhereRecord['identifier']): boolean => own.has(`${system}|${value}`)
  const kept = before.filter(
    (record) => !isOurs(record.identifier) && (found === undefined || record.vaccineType !== vaccineType)
  )
  const known = new Map(before.map((record) => [keyOf(record.identifier), record.foundAt]))
  const made = said.flatMap(({ remoteId, facts }): ElsewhereRecord[] => {
    const { identifier } = facts
    if (isOurs(identifier)) return []
    const fingerprint = fingerprintOf(facts, {
      ancestry: rules.ancestry,
      rules: rules.dedup,
      nhsNumberVerified: facts.isNhsNumberVerified
    })
    const foundAt = known.get(keyOf(identifier)) ?? now()
    return [{ patientKey, source, identifier, remoteId, vaccineType, fingerprint, foundAt }]
  })
  const records = new Map([...kept, ...made].map((record) => [keyOf(record.identifier), record]))
  return { records: [...records.values()], ours: said.filter(({ facts }) => isOurs(facts.identifier)).length }
}
