// A rehearsal of accepting ($validate): the same judges, the same working set, the same settling, in a transaction that
// is rolled back. Nothing is written, kept or audited.
import { permits, type Caller } from '../fhir/caller.js'
import type { Issue } from '../fhir/issue.js'
import { FhirError } from '../fhir/operation-outcome.js'
import type { CheckVerdict } from '../programmes/explain-check.js'
import type { JudgementContext } from '../programmes/subject.js'
import { isDatabaseDown } from '../storage/database-down.js'
import type { Database, Stores } from '../storage/database.js'
import type { KnownEvent } from '../storage/event-store.js'
import type { EventBeside } from '../storage/near-store.js'
import type { RecordHead } from '../storage/record-head.js'
import type { TellKnown } from '../terminology/known-terminology.js'
import { databaseDown, tooBusy } from './answer.js'
import { historyBeside } from './history-beside.js'
import { createGroupCommit } from './group-commit.js'
import { findIssues, isAskedFor, judgeSubmission, type Judged, type JudgedPlain, type Judges } from './judge.js'
import type { VersionDeps } from './make-version.js'
import { passedIssues } from './passed-checks.js'
import { settle } from './settle.js'
import type { PlainSubmission, Verdict } from './submission.js'
import { readWorkingSet } from './read-working-set.js'
import type { WorkingSet } from './working-set.js'

export interface Preview {
  /**
   * Status and issues that the submission would get if it were sent now. Of the patient's other records only those that
   * the caller may read are looked at; an issue says so where others may have been left out.
   * @throws FhirError 503 while the database is away or too much is asked at once
   */
  rehearse(submission: PlainSubmission): Promise<Pick<Verdict, 'status' | 'issues'>>
  /** What profiles and programme rules say of any JSON value, whoever sends it. */
  judge(value: unknown): Issue[]
  /** What one profile says: a canonical, with or without |version; the default is the one Immunizations are judged by. */
  judgeByProfile(value: unknown, profile?: string): Issue[]
  /** Adds what a terminology server is known to say of the codes; it is not asked, so nothing waits for it. */
  tellKnown: TellKnown
  /** Turns new questions away, waits for the ones in flight. */
  close(): Promise<void>
  /** The same questions, answered with the checks that passed as well: information, after what was found. */
  withPassed: Pick<Preview, 'rehearse' | 'judge'>
}

export interface PreviewDeps extends VersionDeps {
  database: Pick<Database, 'rehearse'>
  judges: Judges
  /** Undefined where there is no terminology server. */
  tellKnown?: TellKnown
}

/** So many at once at most: a rehearsal holds a connection and the locks of its patient, and accepting comes first. */
const AT_ONCE = 4
const MAX_WAITING = 256

type Question = JudgedPlain & { tellsPassed: boolean }

export function createPreview(deps: PreviewDeps): Preview {
  const { judges } = deps
  const gate = createGroupCommit<Question, Verdict>(
    (items) => Promise.all(items.map((item) => deps.database.rehearse((stores) => rehearseOne(item, stores, deps)))),
    { maxGroup: AT_ONCE, maxWaiting: MAX_WAITING, turnAway: tooBusy, concernsAll: isDatabaseDown }
  )
  const rehearse =
    (tellsPassed: boolean): Preview['rehearse'] =>
    async (submission) => {
      try {
        const item = { ...judgeSubmission(submission, judges, deps.now()), tellsPassed }
        const { status, issues } = await gate.submit(item)
        return { status, issues }
      } catch (error) {
        if (error instanceof FhirError || !isDatabaseDown(error)) throw error
        throw databaseDown(error)
      }
    }
  return {
    rehearse: rehearse(false),
    judge: (value) => findIssues(value, judges, deps.now()).issues,
    withPassed: {
      rehearse: rehearse(true),
      judge(value) {
        const { issues, read } = findIssues(value, judges, deps.now())
        return [...issues, ...passedIssues(read?.verdict.explain([]) ?? [])]
      }
    },
    judgeByProfile: (value, profile) => judges.validator.validate(value, profile).filter(isAskedFor),
    tellKnown: deps.tellKnown ?? ((issues) => Promise.resolve(issues)),
    close: () => gate.close()
  }
}

async function rehearseOne(item: Question, stores: Stores, deps: PreviewDeps): Promise<Verdict> {
  const { submission, judgement } = item
  const judged = judgement?.kind === 'sound' ? judgement.judged : undefined
  const known = await readWorkingSet([item], stores, deps)
  const before = known.findHead(submission, judged)
  const set = narrow(known, submission.caller, before?.recordId)
  // No deliveries are planned: taking one back locks it, and a worker that meets the lock leaves it to a sweep.
  const verdict = await settle(item, set, { ...deps, destinations: [] })
  const head = known.findHead(submission, judged)
  const isNewVersion = head !== before
  // A resend is answered without its warnings, which its first sending was told; here they are asked for.
  const unsaid = isNewVersion ? [] : (judged?.issues ?? []).filter((issue) => !verdict.issues.includes(issue))
  const history = head === undefined ? [] : await historyOf(head, set)
  const passed = item.tellsPassed ? passedIssues(explain(item, history, deps)) : []
  return { ...verdict, issues: [...verdict.issues, ...unsaid, ...narrowed(submission.caller, judged), ...passed] }
}

// What the judges refuse is not compared with what is known; its checks are told all the same.
function explain(
  { submission, judgement }: JudgedPlain,
  history: NonNullable<JudgementContext['history']>,
  { judges, now }: PreviewDeps
): CheckVerdict[] {
  if (judgement?.kind === 'sound') return judgement.judged.verdict.explain(history)
  if (submission.kind === 'delete') return []
  return findIssues(submission.payload.value, judges, now()).read?.verdict.explain([]) ?? []
}

// Sending leaves a trace in the audit trail, a rehearsal does not: it must not tell of records the caller may not read.
function narrow(set: WorkingSet, caller: Caller, ownRecordId: string | undefined): WorkingSet {
  const isReadable = ({ recordId, vaccineType }: Pick<EventBeside, 'recordId' | 'vaccineType'>): boolean =>
    recordId === ownRecordId || permits(caller, 'R', vaccineType)
  const hidden = new Set<string>()
  const readable = (events: readonly KnownEvent[]): KnownEvent[] => {
    for (const event of events) if (!isReadable(event)) hidden.add(event.recordId)
    return events.filter(isReadable)
  }
  return {
    ...set,
    eventsOf: (patientKey) => readable(set.eventsOf(patientKey)),
    elsewhereOf: async (patientKey) =>
      (await set.elsewhereOf(patientKey)).filter(({ vaccineType }) => permits(caller, 'R', vaccineType)),
    recordsInBlock: async (place) => readable(await set.recordsInBlock(place)),
    besideOf: async (asked) => (await set.besideOf(asked)).filter(isReadable),
    reviewed: () => set.reviewed().filter(({ recordA, recordB }) => !hidden.has(recordA) && !hidden.has(recordB))
  }
}

async function historyOf(
  { recordId, patientKey, occurrenceDay: day }: RecordHead,
  set: WorkingSet
): Promise<NonNullable<JudgementContext['history']>> {
  const events = set.eventsOf(patientKey)
  const isTest = events.find((event) => event.recordId === recordId)?.fingerprint.isTest === true
  return historyBeside(recordId, events, await set.besideOf({ patientKey, day, isTest }))
}

// Said whether or not there are such records, so that it tells nothing of them.
function narrowed(caller: Caller, judged: Judged | undefined): Issue[] {
  if (judged === undefined || permits(caller, 'R', judged.vaccineType)) return []
  return [
    {
      severity: 'information',
      code: 'informational',
      layer: 'service',
      rule: 'preview-narrowed',
      text: `this client has no permission ${judged.vaccineType}.R, so duplicates and intervals were not looked for; they will be when the record is sent`
    }
  ]
}
