// Asks the server what nobody has asked, a few questions at once, and keeps what it says for everybody.
import type { Log } from '../queue/log.js'
import type { ClaimedQuestion, TerminologyAnswerStore } from '../storage/terminology-answer-store.js'
import type { Question } from '../validation/terminology-questions.js'
import type { Outage } from './outage.js'
import { type TerminologyPolicy, waitAfter } from './policy.js'
import type { Reply } from './read-reply.js'
import type { AskServer } from './terminology-client.js'

export interface AskDeps {
  answers: TerminologyAnswerStore
  ask: AskServer
  outage: Outage
  policy: TerminologyPolicy
  timeoutMs: number
  random: () => number
  log: Log
}

/**
 * Asks until every question was tried once, somebody else has it, or the server is down. Answers are in the store when
 * it resolves. @returns how many were sent
 */
export async function askQuestions(questions: readonly Question[], deps: AskDeps, stop: AbortSignal): Promise<number> {
  const { answers, policy, outage, timeoutMs } = deps
  let sent = 0
  for (let from = 0; from < questions.length; from += policy.atOnce) {
    if (stop.aborted || outage.remainingMs() > 0) break
    // Claimed just before they are asked: the lease need not last for those before them.
    const group = questions.slice(from, from + policy.atOnce)
    const claimed = await answers.claim(group, timeoutMs + policy.leaseMarginMs)
    sent += claimed.length
    const replies = await Promise.all(
      claimed.map(async (question) => ({ question, reply: await tryOne(question, deps, stop) }))
    )
    await record(replies, deps)
  }
  return sent
}

/** Undefined when it was stopped. */
async function tryOne(
  question: ClaimedQuestion,
  { ask, outage, log }: AskDeps,
  stop: AbortSignal
): Promise<Reply | undefined> {
  try {
    const reply = await ask(question, stop)
    if (reply.kind === 'answered' || reply.of === 'question') outage.answered()
    else if (outage.failed(reply.retryAfterMs)) {
      log.warn({ problem: reply.problem, wait_ms: Math.round(outage.remainingMs()) }, 'terminology.unavailable')
    }
    return reply
  } catch (error) {
    if (stop.aborted) return undefined
    throw error
  }
}

interface Replied {
  question: ClaimedQuestion
  reply: Reply | undefined
}

async function record(replies: readonly Replied[], { answers, policy, random }: AskDeps): Promise<void> {
  const { memberMs, notMemberMs, unknownMs } = policy.keep
  const keepMs = { member: memberMs, 'not-member': notMemberMs, unknown: unknownMs }
  await answers.recordAnswers(
    replies.flatMap(({ question, reply }) =>
      reply?.kind === 'answered' ? [{ ...question, ...reply, keepMs: keepMs[reply.result] }] : []
    )
  )
  await answers.recordFailures(
    replies.flatMap(({ question, reply }) => {
      if (reply?.kind !== 'failed') return []
      const retryInMs = Math.max(waitAfter(question.failures, policy.retry, random), reply.retryAfterMs ?? 0)
      return [{ ...question, problem: reply.problem, retryInMs }]
    })
  )
  await answers.giveBack(replies.flatMap(({ question, reply }) => (reply === undefined ? [question] : [])))
}
