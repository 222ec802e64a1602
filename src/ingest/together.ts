// Several submissions that stand or fall together: one transaction, all or nothing. Whatever else must be true once they
// are committed (the answer of a job, a Provenance) is written in the same transaction.
import type { Issue } from '../fhir/issue.js'
import { FhirError } from '../fhir/operation-outcome.js'
import { isDatabaseDown } from '../storage/database-down.js'
import { isOvertaken, type Database, type Stores } from '../storage/database.js'
import type { PatientDoubt } from '../storage/doubt-store.js'
import type { RefusedSubmission } from '../storage/refusal-store.js'
import { databaseDown, tooBusy } from './answer.js'
import { createGroupCommit } from './group-commit.js'
import { tellOfSet } from './ingest.js'
import { judgeSubmission, type JudgedSubmission, type Judges, type ProgrammeVerdict } from './judge.js'
import type { VersionDeps } from './make-version.js'
import { settle } from './settle.js'
import type { Submission, Verdict } from './submission.js'
import { readWorkingSet } from './read-working-set.js'
import type { WorkingSet } from './working-set.js'

export interface Together {
  /**
   * Settles the submissions in their order. When all are accepted, `conclude` runs in the transaction, on what was written;
   * when it rejects, nothing stays. `refused`: nothing was written, with the verdict on each.
   * @throws FhirError 409 when others wrote the same records at the same time again and again, 503, and what `conclude` throws
   */
  accept<Result>(submissions: readonly Submission[], conclude: Conclude<Result>): Promise<Outcome<Result>>
  /** Keeps what was refused as it was sent (a delete has nothing to keep), and whatever goes with that. */
  keepRefused(refused: Omit<RefusedSubmission, 'submissionId'> | undefined, alongside?: Alongside): Promise<void>
  /** Turns new work away, waits for the work in flight. */
  close(): Promise<void>
}

/** May be called again when the transaction has to be repeated. */
export type Conclude<Result> = (verdicts: readonly Verdict[], stores: Stores) => Promise<Result>
export type Alongside = (stores: Stores) => Promise<void>
export type Outcome<Result> = { kind: 'done'; result: Result } | { kind: 'refused'; verdicts: Verdict[] }

export interface TogetherDeps extends VersionDeps {
  database: Pick<Database, 'transaction'>
  /** Read anew for every submission: programmes may change while the service runs. */
  judges: Judges
  /** True where a terminology server is asked about the codes of what was accepted. */
  asksTerminology?: boolean
  /** The audit chain of this process. */
  auditChainId: string
  /** Called after a commit that may have made deliveries. */
  onCommitted: () => void
  /** Told what the programmes said of every submission that they had nothing against. */
  onJudged?: (verdict: ProgrammeVerdict) => void
  /** Told of accepted records that have more candidates than can be compared. */
  onCrowded?: (recordIds: readonly string[]) => void
  /** Told of deliveries that were taken back before anything of them was attempted, by destination. */
  onSuperseded?: (superseded: ReadonlyMap<string, number>) => void
}

/** So many at once at most: each holds a connection, and single submissions come first. */
const AT_ONCE = 4
const MAX_WAITING = 256

export function createTogether(deps: TogetherDeps): Together {
  const gate = createGroupCommit<() => Promise<void>, undefined>(
    async ([work]) => {
      await work?.()
      return [undefined]
    },
    { maxGroup: 1, maxInFlight: AT_ONCE, maxWaiting: MAX_WAITING, turnAway: tooBusy, concernsAll: () => true }
  )
  async function throughGate<Result>(work: () => Promise<Result>): Promise<Result> {
    const results: Result[] = []
    await gate.submit(async () => void results.push(await work())).catch(asAnswer)
    return results[0] as Result
  }
  return {
    accept: (submissions, conclude) =>
      throughGate(async () => {
        const items = submissions.map((submission) => judgeSubmission(submission, deps.judges, deps.now()))
        for (const { judgement } of items) if (judgement?.kind === 'sound') deps.onJudged?.(judgement.judged.verdict)
        const outcome = await commit(items, conclude, deps)
        if (outcome.kind === 'done') deps.onCommitted()
        return outcome
      }),
    keepRefused: (refused, alongside) =>
      throughGate(() =>
        deps.database.transaction(async (stores) => {
          if (refused !== undefined) await stores.refusals.insert([{ ...refused, submissionId: deps.newId() }])
          await alongside?.(stores)
        })
      ),
    close: () => gate.close()
  }
}

function asAnswer(error: unknown): never {
  if (isDatabaseDown(error)) throw databaseDown(error)
  if (isOvertaken(error)) throw new FhirError(409, [OUTRUN], { 'Retry-After': '1' }, { cause: error })
  throw error
}

/** Carries the verdicts out of a transaction that must not stay. */
class Refused extends Error {
  constructor(
    readonly verdicts: Verdict[],
    readonly doubts: readonly PatientDoubt[]
  ) {
    super('refused')
    this.name = 'Refused'
  }
}

async function commit<Result>(
  items: readonly JudgedSubmission[],
  conclude: Conclude<Result>,
  deps: TogetherDeps
): Promise<Outcome<Result>> {
  try {
    const { result, set } = await deps.database.transaction(async (stores) => {
      const settled = await settleAll(items, stores, deps)
      return { result: await conclude(settled.verdicts, stores), set: settled.set }
    })
    tellOfSet(set, deps)
    return { kind: 'done', result }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    const { verdicts, doubts } = error
    // A question about a record that was there before outlives the rest.
    if (doubts.length > 0) await deps.database.transaction((stores) => stores.doubts.raise(doubts))
    return { kind: 'refused', verdicts }
  }
}

async function settleAll(
  items: readonly JudgedSubmission[],
  stores: Stores,
  deps: TogetherDeps
): Promise<{ verdicts: Verdict[]; set: WorkingSet }> {
  const set = await readWorkingSet(items, stores, deps)
  const verdicts: Verdict[] = []
  for (const item of items) verdicts.push(await settle(item, set, deps))
  refuseRepeats(items, verdicts)
  if (verdicts.some(({ status }) => status >= 400)) throw new Refused(verdicts, set.doubts())
  await set.write(deps.auditChainId, { asksTerminology: deps.asksTerminology === true })
  return { verdicts, set }
}

// Of two that write one record, neither can be said to be meant. http://hl7.org/fhir/R4/http.html#trules
function refuseRepeats(items: readonly JudgedSubmission[], verdicts: Verdict[]): void {
  const places = new Map<string, number[]>()
  items.forEach(({ submission }, place) => {
    const id = verdicts[place]?.record?.recordId ?? namedRecord(submission)
    if (id !== undefined) places.set(id, [...(places.get(id) ?? []), place])
  })
  for (const repeated of places.values())
    if (repeated.length > 1)
      for (const place of repeated) {
        const before = verdicts[place]?.issues ?? []
        verdicts[place] = { status: 400, issues: [REPEATED, ...before.filter(({ severity }) => severity === 'error')] }
      }
}

function namedRecord(submission: Submission): string | undefined {
  if (submission.kind === 'patch') return 'recordId' in submission.target ? submission.target.recordId : undefined
  return 'recordId' in submission ? submission.recordId : undefined
}

const REPEATED: Issue = {
  severity: 'error',
  code: 'invalid',
  layer: 'identity',
  rule: 'transaction-record-twice',
  text: 'two entries of this transaction write the same record (same id or same identifier); send one of them'
}

const OUTRUN: Issue = {
  severity: 'error',
  code: 'conflict',
  layer: 'service',
  rule: 'transaction-outrun',
  text: 'others wrote the same records at the same moment, again and again; nothing was stored, send it again'
}
