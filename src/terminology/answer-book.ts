// What is known by now: answers in PostgreSQL, the ones of late in memory. Looking something up never asks the server.
import type { TerminologyAnswer, TerminologyAnswerStore } from '../storage/terminology-answer-store.js'
import type { Answer, FindAnswer } from '../validation/terminology-issues.js'
import type { Question } from '../validation/terminology-questions.js'

export interface AnswerBook {
  /** Answers that have not expired, as a function that knows nothing else. */
  lookUp(questions: readonly Question[]): Promise<FindAnswer>
}

interface Kept {
  answer: Answer
  /** By `clock`. */
  until: number
}

/** `clock` in milliseconds; `size`: answers kept in memory. */
export function createAnswerBook(
  store: Pick<TerminologyAnswerStore, 'find'>,
  clock: () => number,
  size = 10_000
): AnswerBook {
  // In order of use: the first is the one that was not asked for the longest.
  const kept = new Map<string, Kept>()

  function recall(key: string): Answer | undefined {
    const found = kept.get(key)
    if (found === undefined) return undefined
    kept.delete(key)
    if (found.until <= clock()) return undefined
    kept.set(key, found)
    return found.answer
  }

  function keep(key: string, found: TerminologyAnswer): Answer {
    const answer = toAnswer(found)
    kept.set(key, { answer, until: clock() + found.expiresInMs })
    const oldest = kept.size > size ? kept.keys().next().value : undefined
    if (oldest !== undefined) kept.delete(oldest)
    return answer
  }

  return {
    async lookUp(questions) {
      const known = new Map<string, Answer>()
      const missing: Question[] = []
      for (const question of questions) {
        const answer = recall(keyOf(question))
        if (answer === undefined) missing.push(question)
        else known.set(keyOf(question), answer)
      }
      for (const found of await store.find(missing)) known.set(keyOf(found), keep(keyOf(found), found))
      return (question) => known.get(keyOf(question))
    }
  }
}

/** Each question once. */
export function distinctQuestions(questions: readonly Question[]): Question[] {
  return [...new Map(questions.map((question) => [keyOf(question), question])).values()]
}

export function keyOf({ valueSet, system, code }: Question): string {
  return `${valueSet} ${system} ${code}`
}

function toAnswer({ result, inactive, asOf, systemVersion }: TerminologyAnswer): Answer {
  return { result, isInactive: inactive, asOf, ...(systemVersion === null ? {} : { systemVersion }) }
}
