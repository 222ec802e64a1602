// Accepting: a list of submissions in, a list of verdicts out. What is in flight at the same moment shares one
// transaction; whatever is acknowledged is committed.
import { FhirError } from '../fhir/operation-outcome.js'
import { isDatabaseDown } from '../storage/database-down.js'
import type { Database } from '../storage/database.js'
import { databaseDown, internalFault, tooBusy } from './answer.js'
import { createGroupCommit } from './group-commit.js'
import { answerKnownKeys, answerToKeep, createKeyGate } from './idempotency.js'
import { judgeSubmission, type JudgedSubmission, type Judges, type ProgrammeVerdict } from './judge.js'
import type { VersionDeps } from './make-version.js'
import { settle, type SettleDeps } from './settle.js'
import type { Ingest, Submission, Verdict } from './submission.js'
import { readWorkingSet } from './read-working-set.js'
import type { WorkingSet } from './working-set.js'

export interface IngestDeps extends VersionDeps {
  database: Pick<Database, 'transaction'>
  /** Read anew for every submission: programmes may change while the service runs. */
  judges: Judges
  /** True where a terminology server is asked about the codes of what was accepted. */
  asksTerminology?: boolean
  /** The audit chain of this process. */
  auditChainId: string
  /** Called after a commit that may have made deliveries. */
  onCommitted: () => void
  /** Told of faults of ours; the error holds no patient's data. */
  onFault: (error: unknown, requestIds: readonly string[]) => void
  /** Told what the programmes said of every submission that they had nothing against. */
  onJudged?: (verdict: ProgrammeVerdict) => void
  /** Told of accepted records that have more candidates than can be compared: a person must look at what is going on. */
  onCrowded?: (recordIds: readonly string[]) => void
  /** Told of deliveries that were taken back before anything of them was attempted, by destination. */
  onSuperseded?: (superseded: ReadonlyMap<string, number>) => void
  maxGroup?: number
  maxWaiting?: number
}

export function createIngest(deps: IngestDeps): Ingest {
  const oneByKey = createKeyGate()
  const group = createGroupCommit<JudgedSubmission, Verdict>((items) => commit(items, deps), {
    maxGroup: deps.maxGroup ?? 128,
    maxInFlight: 2,
    maxWaiting: deps.maxWaiting ?? 4096,
    turnAway: tooBusy,
    concernsAll: isDatabaseDown
  })

  async function acceptOne(submission: Submission): Promise<Verdict> {
    try {
      return await oneByKey(submission, () => {
        const judged = judgeSubmission(submission, deps.judges, deps.now())
        if (judged.judgement?.kind === 'sound') deps.onJudged?.(judged.judgement.judged.verdict)
        return group.submit(judged)
      })
    } catch (error) {
      if (error instanceof FhirError) return { status: error.status, issues: [...error.issues] }
      if (isDatabaseDown(error)) {
        const down = databaseDown(error)
        return { status: down.status, issues: [...down.issues] }
      }
      deps.onFault(error, [submission.requestId])
      return { status: 500, issues: [internalFault(submission.requestId)] }
    }
  }

  return {
    accept: (submissions) => Promise.all(submissions.map(acceptOne)),
    close: () => group.close()
  }
}

async function commit(items: readonly JudgedSubmission[], deps: IngestDeps): Promise<Verdict[]> {
  const { verdicts, set } = await deps.database.transaction(async (stores) => {
    const submissions = items.map(({ submission }) => submission)
    const known = await answerKnownKeys(submissions, stores.idempotency)
    const fresh = items.filter(({ submission }) => !known.has(submission))
    const set = await readWorkingSet(fresh, stores, deps)
    const made: Verdict[] = []
    for (const item of items) made.push(known.get(item.submission) ?? (await settleOne(item, set, deps)))
    await set.write(deps.auditChainId, { asksTerminology: deps.asksTerminology === true })
    return { verdicts: made, set }
  })
  deps.onCommitted()
  tellOfSet(set, deps)
  return verdicts
}

/** What a person or a metric should know of what was just committed. */
export function tellOfSet(set: WorkingSet, told: Pick<IngestDeps, 'onCrowded' | 'onSuperseded'>): void {
  const crowded = set.crowded()
  if (crowded.length > 0) told.onCrowded?.(crowded)
  const superseded = set.deliveries.superseded()
  if (superseded.size > 0) told.onSuperseded?.(superseded)
}

async function settleOne(item: JudgedSubmission, set: WorkingSet, deps: SettleDeps): Promise<Verdict> {
  const verdict = await settle(item, set, deps)
  const kept = answerToKeep(item.submission, verdict)
  if (kept !== undefined) set.addAnswer(kept)
  return verdict
}
