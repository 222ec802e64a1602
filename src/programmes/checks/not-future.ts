import { NO_PARAMS, type Check, type CheckScope, type NoParams } from '../check.js'
import { enough } from '../ground.js'

/** Clocks of suppliers may run ahead by this much. */
const CLOCK_SKEW_MS = 5 * 60_000

export const notFuture: Check<NoParams, CheckScope> = {
  description: 'The vaccination is not in the future; five minutes are allowed for clocks that differ.',
  rules: ['occurrence-in-future'],
  appliesTo: 'every-status',
  params: NO_PARAMS,
  look: () => () => enough('occurrenceDateTime against the present time, with five minutes to spare'),
  compile:
    () =>
    ({ facts, now }) => {
      if (facts.occurrenceFrom.getTime() <= now.getTime() + CLOCK_SKEW_MS) return undefined
      return {
        rule: 'occurrence-in-future',
        code: 'value',
        expression: ['Immunization.occurrence.ofType(dateTime)'],
        text: 'occurrenceDateTime must not be in the future; send the day and time at which the vaccine was given'
      }
    }
}
