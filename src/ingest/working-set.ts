// What a group knows while it is being settled: what was read under lock, and what will be written at its end. A later
// submission of the group sees what an earlier one decided.
import type { Issue } from '../fhir/issue.js'
import type { AuditEntry } from '../storage/audit-store.js'
import type { Stores } from '../storage/database.js'
import type { PairDecision } from '../storage/decision-store.js'
import type { PatientDoubt } from '../storage/doubt-store.js'
import type { DecidedPair } from '../storage/elsewhere-pair-store.js'
import type { ElsewhereRecord, LookUpKey } from '../storage/elsewhere-store.js'
import type { GroupWrite, KnownEvent } from '../storage/event-store.js'
import type { EventBeside, PatientDay } from '../storage/near-store.js'
import type { LaneStates } from '../storage/outbox-store.js'
import type { KeptAnswer } from '../storage/idempotency-store.js'
import type { PatientKeys, RecordHead } from '../storage/record-head.js'
import type { RefusedSubmission } from '../storage/refusal-store.js'
import type { VersionWrite } from '../storage/version-writes.js'
import type { BlockRecords, InBlock } from './block-records.js'
import type { Judged } from './judge.js'
import type { NearRecords, Place } from './near-records.js'
import { createNewDecisions, type Compared } from './new-decisions.js'
import { createPlannedDeliveries, type PlannedDeliveries } from './planned-deliveries.js'
import type { IdentifierCriterion, PlainSubmission } from './submission.js'

export interface WorkingSet {
  findHead(submission: PlainSubmission, judged: Judged | undefined): RecordHead | undefined
  /** Head as it stands after what the group decided so far, of a record that is locked. */
  findRecord(recordId: string): RecordHead | undefined
  /** Records with this identifier; without a system only the client's own. Deleted ones too. */
  findMatches(criterion: IdentifierCriterion, client: string): RecordHead[]
  /** Head of another record of a patient that is locked, locked as well. */
  lockAlso(recordId: string): Promise<RecordHead | undefined>
  /** The patient of an NHS number that a submission of the group gives; undefined without a number. */
  findPatient(nhsNumber: string | undefined): PatientKeys | undefined
  /** A patient without an NHS number. */
  addPatient(): PatientKeys
  /** Of the patient's events those that were read: what was asked of `reach`, at least. */
  eventsOf(patientKey: string): readonly KnownEvent[]
  /** Reads what is not there yet; see {@link NearRecords.reach}. */
  reach(patientKey: string, places: readonly Place[], recordIds: readonly string[]): Promise<boolean>
  /** The patient's other events, as far as intervals to this day are counted from them. */
  besideOf(asked: PatientDay): Promise<readonly EventBeside[]>
  /** Records of others who may be the same person; see {@link BlockRecords.recordsNear}. */
  recordsInBlock(place: InBlock): Promise<readonly KnownEvent[]>
  /** What reviewers decided of the records that were read. */
  reviewed(): readonly PairDecision[]
  /** Of records that are locked. */
  deliveries: PlannedDeliveries
  /** Body of the current version, be it stored or about to be. */
  currentBody(recordId: string): Promise<string | undefined>
  /** What a register is known to hold of the patient from others. */
  elsewhereOf(patientKey: string): Promise<ElsewhereRecord[]>
  /** What reviewers decided of records elsewhere and records of the patient. */
  decidedElsewhere(patientKey: string): Promise<DecidedPair[]>
  /** The register is to be asked afterwards. */
  addLookUp(key: LookUpKey): void
  /** What a terminology server said of a stored version. */
  terminologyIssues(recordId: string, version: number): Promise<Issue[]>
  addVersion(write: VersionWrite, nhsNumber: string | null): void
  /** Replaces what is known of the patient's events. */
  setEvents(patientKey: string, events: readonly KnownEvent[]): void
  /** Where a record is found from now on by others of its block; undefined: nowhere. */
  setBlock(event: KnownEvent, blockKey: string | undefined): void
  addGroups(groups: readonly GroupWrite[]): void
  /** What the system decided of these records before is over; reviewers' decisions stay. */
  replaceDecisions(compared: Compared): void
  /** A record has more candidates than can be compared: told once the group is written. */
  addCrowded(recordId: string): void
  crowded(): readonly string[]
  addRefused(refused: RefusedSubmission): void
  /** A refused submission put a record under another patient: a person is asked. */
  addDoubt(doubt: PatientDoubt): void
  doubts(): readonly PatientDoubt[]
  addAudit(entry: AuditEntry): void
  /** What is to be answered again to the same key. */
  addAnswer(answer: KeptAnswer): void
  /** Writes everything, in as many statements as there are kinds of rows. */
  write(auditChainId: string, options?: WriteOptions): Promise<void>
}

/** What was looked up for a patient and vaccine type is not asked again before. */
const FRESH_MS = 10 * 60_000

export interface WriteOptions {
  /** The codes of the new versions are looked up afterwards. */
  asksTerminology?: boolean
}

/** What was read, all of it under lock. */
export interface Known {
  heads: readonly RecordHead[]
  patients: ReadonlyMap<string, PatientKeys>
  near: NearRecords
  blocks: BlockRecords
  lanes: LaneStates
}

export function createWorkingSet(stores: Stores, newId: () => string, known: Known): WorkingSet {
  const { near, blocks } = known
  const deliveries = createPlannedDeliveries(stores.outbox, known.lanes)
  const headById = new Map(known.heads.map((head) => [head.recordId, head]))
  const idByIdentifier = new Map(
    known.heads.map((head) => [identifierKey(head.identifierSystem, head.identifierValue), head.recordId])
  )
  const decisions = createNewDecisions(near)
  const crowded: string[] = []
  const unidentified: string[] = []
  const versions: VersionWrite[] = []
  const groups = new Map<string, GroupWrite>()
  const refused: RefusedSubmission[] = []
  const doubts: PatientDoubt[] = []
  const audit: AuditEntry[] = []
  const answers: KeptAnswer[] = []
  const lookUps: LookUpKey[] = []

  return {
    findHead(submission, judged) {
      if (submission.kind !== 'create') return headById.get(submission.recordId)
      if (judged === undefined) return undefined
      const { system, value } = judged.facts.identifier
      return headById.get(idByIdentifier.get(identifierKey(system, value)) ?? '')
    },
    findRecord: (recordId) => headById.get(recordId),
    findMatches({ system, value }, client) {
      if (system === undefined)
        return [...headById.values()].filter((head) => head.identifierValue === value && head.owner === client)
      const head = headById.get(idByIdentifier.get(identifierKey(system, value)) ?? '')
      return head === undefined ? [] : [head]
    },
    async lockAlso(recordId) {
      const held = headById.get(recordId)
      if (held !== undefined) return held
      const [head] = await stores.records.lockHeads({ identifiers: [], recordIds: [recordId] })
      if (head === undefined) return undefined
      headById.set(recordId, head)
      await deliveries.look(recordId)
      return head
    },
    findPatient: (nhsNumber) => (nhsNumber === undefined ? undefined : known.patients.get(nhsNumber)),
    addPatient() {
      const made = newId()
      unidentified.push(made)
      return { patientKey: made, numberKey: made }
    },
    eventsOf: (patientKey) => near.eventsOf(patientKey),
    reach: (...wanted) => near.reach(...wanted),
    besideOf: (asked) => near.besideOf(asked),
    recordsInBlock: (place) => blocks.recordsNear(place),
    reviewed: () => near.decisions(),
    deliveries,
    async currentBody(recordId) {
      const pending = versions.findLast((write) => write.head.recordId === recordId)
      return pending?.body ?? (await stores.records.findCurrentBody(recordId))
    },
    ...knownElsewhere(stores),
    addLookUp: (key) => void lookUps.push(key),
    terminologyIssues: (recordId, version) => stores.terminologyChecks.findIssues({ recordId, version }),
    addVersion(write, nhsNumber) {
      const { head } = write
      versions.push(write)
      headById.set(head.recordId, { ...head, nhsNumber })
      idByIdentifier.set(identifierKey(head.identifierSystem, head.identifierValue), head.recordId)
    },
    setEvents(patientKey, replaced) {
      near.setEvents(patientKey, replaced)
    },
    setBlock(event, blockKey) {
      blocks.set(event, blockKey)
    },
    addGroups(written) {
      for (const group of written) groups.set(group.groupId, group)
    },
    replaceDecisions(compared) {
      decisions.replace(compared)
    },
    addCrowded: (recordId) => void crowded.push(recordId),
    crowded: () => crowded,
    addRefused: (submission) => void refused.push(submission),
    addDoubt: (doubt) => void doubts.push(doubt),
    doubts: () => doubts,
    addAudit: (entry) => void audit.push(entry),
    addAnswer: (answer) => void answers.push(answer),
    async write(auditChainId, { asksTerminology = false } = {}) {
      await stores.records.insertUnidentifiedPatients(unidentified)
      await stores.records.writeVersions(versions)
      if (asksTerminology) await stores.terminologyChecks.insert(withBody(versions))
      await stores.events.writeGroups([...groups.values()])
      await stores.elsewhere.request(lookUps, FRESH_MS)
      await stores.decisions.end(decisions.over())
      await stores.decisions.write(decisions.made())
      await deliveries.write()
      await stores.refusals.insert(refused)
      await stores.doubts.raise(doubts)
      await stores.idempotency.insert(answers)
      await stores.audit.append(auditChainId, audit)
    }
  }
}

function knownElsewhere({
  elsewhere,
  elsewherePairs
}: Pick<Stores, 'elsewhere' | 'elsewherePairs'>): Pick<WorkingSet, 'elsewhereOf' | 'decidedElsewhere'> {
  return {
    elsewhereOf: (patientKey) => elsewhere.findOfPatient(patientKey),
    decidedElsewhere: (patientKey) => elsewherePairs.findDecided(patientKey)
  }
}

function withBody(versions: readonly VersionWrite[]): { recordId: string; version: number }[] {
  return versions.flatMap(({ body, head }) =>
    body === null ? [] : [{ recordId: head.recordId, version: head.version }]
  )
}

// The separator cannot stand in a stored text: PostgreSQL refuses NUL, and so does the strict JSON reader.
function identifierKey(system: string, value: string): string {
  return `${system}\u0000${value}`
}
