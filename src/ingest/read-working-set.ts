// Reads and locks what a group needs: patients first, then heads, then blocks, each in key order, so that groups cannot
// deadlock. Whoever holds a patient may lock more of its records later: nobody else waits for one of them and holds another.
import type { DedupRules } from '../dedup/dedup-rules.js'
import type { Placed } from '../dedup/event-zones.js'
import { readDays } from '../dedup/fingerprint.js'
import type { BlockOf } from '../dedup/patient-block.js'
import { VACCINE_TYPES } from '../fhir/vaccine-types.js'
import type { Stores } from '../storage/database.js'
import { Overtaken } from '../storage/overtaken.js'
import type { PatientKeys, RecordHead } from '../storage/record-head.js'
import { readBlockRecords, type InBlock } from './block-records.js'
import type { Judged, JudgedSubmission } from './judge.js'
import { readNearRecords, type WantedNear } from './near-records.js'
import { judgedOf, wantedHeads } from './wanted-heads.js'
import { createWorkingSet, type WorkingSet } from './working-set.js'

export interface ReadDeps {
  rules: { dedup: DedupRules }
  blockOf: BlockOf
  newId: () => string
}

export async function readWorkingSet(
  items: readonly JudgedSubmission[],
  stores: Stores,
  { rules: { dedup }, blockOf, newId }: ReadDeps
): Promise<WorkingSet> {
  const { identifiers, values, recordIds } = wantedHeads(items)
  const wanted = { identifiers, recordIds: [...recordIds, ...(await stores.records.findOwnByValue(values))] }
  const owned = await stores.records.findOwners(wanted)
  const judged = items.flatMap((item) => judgedOf(item) ?? [])
  const numbers = new Set(judged.flatMap(({ facts }) => facts.nhsNumber ?? []))
  const patients = await stores.records.lockPatients({
    newKeys: new Map([...numbers].map((number) => [number, newId()])),
    patientKeys: [...new Set(owned.map(({ patientKey }) => patientKey))]
  })
  // A record that changes may make another one of its event count: that one is locked with it.
  const mates = await stores.events.findMates(owned.map(({ recordId }) => recordId))
  const heads = await stores.records.lockHeads({ identifiers, recordIds: [...wanted.recordIds, ...mates] })
  const held = new Set([...owned, ...patients.values()].map(({ patientKey }) => patientKey))
  if (heads.some(({ patientKey }) => !held.has(patientKey))) throw new Overtaken('the patient of a record')
  const inBlocks = judged.flatMap(({ facts }) => placeInBlock(facts, blockOf) ?? [])
  return createWorkingSet(stores, newId, {
    heads,
    patients,
    blocks: await readBlockRecords(inBlocks, stores.near, dedup),
    near: await readNearRecords(wantedNear(judged, heads, patients), stores, dedup),
    lanes: await stores.outbox.findLanes(heads.map((head) => head.recordId))
  })
}

/** Undefined where date of birth, family name or postcode is missing. */
export function placeInBlock(facts: Judged['facts'], blockOf: BlockOf): InBlock | undefined {
  const blockKey = blockOf(facts)
  return blockKey === undefined ? undefined : { ...placeOf(facts), blockKey, isIdentified: facts.isNhsNumberVerified }
}

// A record that is corrected or deleted is looked for where it was as well.
function wantedNear(
  judged: readonly Judged[],
  heads: readonly RecordHead[],
  patients: ReadonlyMap<string, PatientKeys>
): WantedNear {
  const sent = judged.flatMap(({ facts }) => {
    const patientKey = patients.get(facts.nhsNumber ?? '')?.patientKey
    return patientKey === undefined ? [] : [{ ...placeOf(facts), patientKey, isTest: facts.isTest === true }]
  })
  return {
    places: [...sent, ...heads.map(placeOfHead)],
    recordIds: heads.map(({ recordId }) => recordId),
    days: sent.map(({ patientKey, day, isTest }) => ({ patientKey, day, isTest }))
  }
}

function placeOf(facts: Judged['facts']): Placed {
  const { day, lastDay } = readDays(facts)
  const { vaccineType, targetDiseases: antigens } = facts
  return { day, lastDay, antigens, ...(vaccineType === undefined ? {} : { vaccineType }) }
}

function placeOfHead({ patientKey, vaccineType, occurrenceDay: day }: RecordHead): Placed & { patientKey: string } {
  return { patientKey, vaccineType, antigens: [...VACCINE_TYPES[vaccineType]], day, lastDay: day }
}
