// One look: records that wait, what is known of their codes, what has to be asked, and what is said of each record.
import type { Database } from '../storage/database.js'
import type { ClaimedCheck } from '../storage/terminology-check-store.js'
import { type FindAnswer, tellAnswers } from '../validation/terminology-issues.js'
import type { OpenConcept, Question } from '../validation/terminology-questions.js'
import type { Validator } from '../validation/validator.js'
import { type AnswerBook, distinctQuestions, keyOf } from './answer-book.js'
import { type AskDeps, askQuestions } from './ask-questions.js'
import { waitAfter } from './policy.js'

export interface CheckDeps extends AskDeps {
  database: Pick<Database, 'transaction' | 'stores'>
  validator: Pick<Validator, 'findOpenConcepts'>
  book: AnswerBook
  now: () => Date
  /** A chain of this loop's own: nobody who accepts waits for its lock. */
  auditChainId: string
}

/** A record that waits, with the questions it leaves open. */
interface Read {
  check: ClaimedCheck
  concepts: readonly OpenConcept[]
  questions: readonly Question[]
}

export interface Look {
  /** Records taken up, and those that nothing is open of any more. */
  looked: number
  done: number
  /** Questions sent to the server. */
  asked: number
}

export async function checkRecords(deps: CheckDeps, stop: AbortSignal): Promise<Look> {
  const { policy, timeoutMs, database, book } = deps
  const rounds = Math.ceil(policy.questions / policy.atOnce)
  const checks = await database.stores.terminologyChecks.claim(
    policy.checks,
    rounds * timeoutMs + 2 * policy.leaseMarginMs
  )
  if (checks.length === 0) return { looked: 0, done: 0, asked: 0 }
  const read = checks.map((check) => readCheck(check, deps))
  const questions = distinctQuestions(read.flatMap((one) => one.questions))
  const known = await book.lookUp(questions)
  const open = questions.filter((question) => known(question) === undefined).slice(0, policy.questions)
  const asked = await askQuestions(open, deps, stop)
  const findAnswer = open.length === 0 ? known : await book.lookUp(questions)
  const isDone = (one: Read): boolean => one.questions.every((question) => findAnswer(question) !== undefined)
  const done = read.filter(isDone)
  await finish(done, findAnswer, deps)
  const rest = read.filter((one) => !isDone(one))
  if (stop.aborted) await database.stores.terminologyChecks.giveBack(rest.map(({ check }) => check))
  else await postpone(rest, findAnswer, deps)
  return { looked: checks.length, done: done.length, asked }
}

function readCheck(check: ClaimedCheck, { validator }: CheckDeps): Read {
  const concepts = validator.findOpenConcepts(JSON.parse(check.body))
  return { check, concepts, questions: concepts.flatMap(({ codings }) => codings.map(({ question }) => question)) }
}

async function finish(
  done: readonly Read[],
  findAnswer: FindAnswer,
  { database, now, auditChainId }: CheckDeps
): Promise<void> {
  if (done.length === 0) return
  const at = now()
  const ends = done.map(({ check, concepts }) => ({ ...check, issues: tellAnswers(concepts, findAnswer) }))
  await database.transaction(async ({ terminologyChecks, audit }) => {
    const ours = new Set(
      (await terminologyChecks.finish(ends)).map(({ recordId, version }) => `${recordId} ${version}`)
    )
    const told = ends.filter(({ recordId, version, issues }) => issues.length > 0 && ours.has(`${recordId} ${version}`))
    await audit.append(
      auditChainId,
      told.map(({ recordId, version, patientKey, issues }) => ({
        at,
        actor: 'service',
        action: 'terminology.checked',
        recordId,
        version,
        patientKey,
        detail: { rules: issues.map(({ rule }) => rule) }
      }))
    )
  })
}

/** What is known is told already; the rest is looked at when the last of its questions may have been answered. */
async function postpone(rest: readonly Read[], findAnswer: FindAnswer, deps: CheckDeps): Promise<void> {
  if (rest.length === 0) return
  const { policy, random, outage, database } = deps
  const open = distinctQuestions(rest.flatMap(({ questions }) => questions)).filter(
    (question) => findAnswer(question) === undefined
  )
  const waits = new Map((await database.stores.terminologyAnswers.readWaits(open)).map((wait) => [keyOf(wait), wait]))
  await database.stores.terminologyChecks.postpone(
    rest.map(({ check, concepts, questions }) => {
      const own = questions.flatMap((question) => waits.get(keyOf(question)) ?? [])
      const failed = own.filter(({ failures }) => failures > 0).map(({ waitMs }) => waitMs)
      const longestMs = Math.max(0, ...(failed.length > 0 ? failed : own.map((wait) => wait.waitMs)))
      const backoffMs = waitAfter(check.tries, policy.retry, random)
      const restMs = outage.remainingMs()
      // It failed: not before it is asked again. Somebody else is asking: soon. The server is down: with the others.
      const waitMs = failed.length > 0 ? longestMs : Math.min(backoffMs, longestMs)
      const untilMs = restMs > 0 ? Math.max(restMs, backoffMs, waitMs) : waitMs
      return { ...check, issues: tellAnswers(concepts, findAnswer), waitMs: Math.max(policy.busyMs, untilMs) }
    })
  )
}
