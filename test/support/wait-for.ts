// Tests do not sleep: they wait until something is so.
import { setTimeout as delay } from 'node:timers/promises'

export interface WaitOptions {
  /** Default 10 s. */
  withinMs?: number
  everyMs?: number
}

/**
 * Asks `condition` again and again, and gives its first answer that is truthy. Once the time is over, the error says
 * what was waited for (`what`: "the delivery to be held") and what the last answer, or the last error, was.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  what: string,
  { withinMs = 10_000, everyMs = 20 }: WaitOptions = {}
): Promise<NonNullable<T>> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const answer = await Promise.resolve()
      .then(condition)
      .then(
        (value) => ({ value }),
        (error: unknown) => ({ error })
      )
    if ('value' in answer && answer.value) return answer.value
    if (Date.now() > deadline) {
      const last = 'error' in answer ? String(answer.error) : JSON.stringify(answer.value)
      throw new Error(`Waited ${withinMs} ms for ${what}; the last answer was: ${last}`, {
        cause: 'error' in answer ? answer.error : undefined
      })
    }
    await delay(everyMs)
  }
}
