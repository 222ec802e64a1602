// What a group knows while it is being settled: what was read under lock, and what will be written at its end. A later
// submission of the group sees what an earlier one decided.
import type { Issue } from '../fhir/issue.js'
import type { AuditEntry } from '../storage/audit-store.js'
import type { Stores } from '../storage/database.js'
import type { PairDecision } from '../storage/decision-store.js'
import type { GroupWrite, KnownEvent } from '../storage/event-store.js'
import type { LaneStates } from '../storage/outbox-store.js'
import type { KeptAnswer } from '../storage/idempotency-store.js'
import type { PatientKeys, RecordHead } from '../storage/record-head.js'
import type { RefusedSubmission } from '../storage/refusal-store.js'
import type { VersionWrite } from '../storage/version-writes.js'
import type { Judged, JudgedSubmission } from './judge.js'
import { createPlannedDeliveries, type PlannedDeliveries } from './planned-deliveries.js'
import type { IdentifierCriterion, PlainSubmission } from './submission.js'
import { judgedOf, wantedHeads } from './wanted-heads.js'

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
  eventsOf(patientKey: string): readonly KnownEvent[]
  decisionsOf(patientKey: string): readonly PairDecision[]
  /** Of records that are locked. */
  deliveries: PlannedDeliveries
  /** Body of the current version, be it stored or about to be. */
  currentBody(recordId: string): Promise<string | undefined>
  /** What a terminology server said of a stored version. */
  terminologyIssues(recordId: string, version: number): Promise<Issue[]>
  addVersion(write: VersionWrite, nhsNumber: string | null): void
  /** Replaces what is known of the patient's events. */
  setEvents(patientKey: string, events: readonly KnownEvent[]): void
  addGroups(groups: readonly GroupWrite[]): void
  /** What the system decided of these records before is over; reviewers' decisions stay. */
  replaceDecisions(patientKey: string, recordIds: readonly string[], made: readonly PairDecision[]): void
  addRefused(refused: RefusedSubmission): void
  addAudit(entry: AuditEntry): void
  /** What is to be answered again to the same key. */
  addAnswer(answer: KeptAnswer): void
  /** Writes everything, in as many statements as there are kinds of rows. */
  write(auditChainId: string, options?: WriteOptions): Promise<void>
}

export interface WriteOptions {
  /** The codes of the new versions are looked up afterwards. */
  asksTerminology?: boolean
}

/** Reads and locks what the group needs: heads first, then patients, both in key order, so that groups cannot deadlock. */
export async function readWorkingSet(
  items: readonly JudgedSubmission[],
  stores: Stores,
  newId: () => string
): Promise<WorkingSet> {
  const { identifiers, values, recordIds } = wantedHeads(items)
  const heads = await stores.records.lockHeads({
    identifiers,
    recordIds: [...recordIds, ...(await stores.records.findOwnByValue(values))]
  })
  const numbers = new Set(items.flatMap((item) => judgedOf(item)?.facts.nhsNumber ?? []))
  const patients = await stores.records.lockPatients({
    newKeys: new Map([...numbers].map((number) => [number, newId()])),
    patientKeys: heads.map((head) => head.patientKey)
  })
  const patientKeys = [...new Set([...patients.values(), ...heads].map(({ patientKey }) => patientKey))]
  return createWorkingSet(stores, newId, {
    heads,
    patients,
    events: await stores.events.findEvents(patientKeys),
    decisions: await stores.decisions.find(patientKeys),
    lanes: await stores.outbox.findLanes(heads.map((head) => head.recordId))
  })
}

/** What was read, all of it under lock. */
export interface Known {
  heads: readonly RecordHead[]
  patients: ReadonlyMap<string, PatientKeys>
  events: readonly KnownEvent[]
  decisions: readonly PairDecision[]
  lanes: LaneStates
}

export function createWorkingSet(stores: Stores, newId: () => string, known: Known): WorkingSet {
  const deliveries = createPlannedDeliveries(stores.outbox, known.lanes)
  const headById = new Map(known.heads.map((head) => [head.recordId, head]))
  const idByIdentifier = new Map(
    known.heads.map((head) => [identifierKey(head.identifierSystem, head.identifierValue), head.recordId])
  )
  const events = groupByPatient(known.events)
  const decisions = groupByPatient(known.decisions)
  const unidentified: string[] = []
  const versions: VersionWrite[] = []
  const groups = new Map<string, GroupWrite>()
  const newDecisions = new Map<string, PairDecision>()
  const endedDecisions = new Map<string, PairDecision>()
  const refused: RefusedSubmission[] = []
  const audit: AuditEntry[] = []
  const answers: KeptAnswer[] = []

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
    eventsOf: (patientKey) => events.get(patientKey) ?? [],
    decisionsOf: (patientKey) => decisions.get(patientKey) ?? [],
    deliveries,
    async currentBody(recordId) {
      const pending = versions.findLast((write) => write.head.recordId === recordId)
      return pending?.body ?? (await stores.records.findCurrentBody(recordId))
    },
    terminologyIssues: (recordId, version) => stores.terminologyChecks.findIssues({ recordId, version }),
    addVersion(write, nhsNumber) {
      const { head } = write
      versions.push(write)
      headById.set(head.recordId, { ...head, nhsNumber })
      idByIdentifier.set(identifierKey(head.identifierSystem, head.identifierValue), head.recordId)
    },
    setEvents: (patientKey, replaced) => void events.set(patientKey, [...replaced]),
    addGroups(written) {
      for (const group of written) groups.set(group.groupId, group)
    },
    replaceDecisions(patientKey, recordIds, made) {
      const covered = new Set(recordIds)
      const isOver = ({ decidedBy, recordA, recordB }: PairDecision): boolean =>
        decidedBy === 'system' && (covered.has(recordA) || covered.has(recordB))
      const before = decisions.get(patientKey) ?? []
      for (const over of before.filter(isOver)) {
        newDecisions.delete(pairKey(over))
        endedDecisions.set(pairKey(over), over)
      }
      for (const decision of made) newDecisions.set(pairKey(decision), decision)
      decisions.set(patientKey, [...before.filter((decision) => !isOver(decision)), ...made])
    },
    addRefused: (submission) => void refused.push(submission),
    addAudit: (entry) => void audit.push(entry),
    addAnswer: (answer) => void answers.push(answer),
    async write(auditChainId, { asksTerminology = false } = {}) {
      await stores.records.insertUnidentifiedPatients(unidentified)
      await stores.records.writeVersions(versions)
      if (asksTerminology) await stores.terminologyChecks.insert(withBody(versions))
      await stores.events.writeGroups([...groups.values()])
      // Decided again is not taken back: it stays the same row, opened when it was first decided.
      await stores.decisions.end([...endedDecisions.values()].filter((over) => !newDecisions.has(pairKey(over))))
      await stores.decisions.write([...newDecisions.values()])
      await deliveries.write()
      await stores.refusals.insert(refused)
      await stores.idempotency.insert(answers)
      await stores.audit.append(auditChainId, audit)
    }
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

function pairKey({ recordA, recordB }: PairDecision): string {
  return `${recordA} ${recordB}`
}

function groupByPatient<Row extends { patientKey: string }>(rows: readonly Row[]): Map<string, Row[]> {
  const byPatient = new Map<string, Row[]>()
  for (const row of rows) {
    const others = byPatient.get(row.patientKey)
    if (others === undefined) byPatient.set(row.patientKey, [row])
    else others.push(row)
  }
  return byPatient
}
