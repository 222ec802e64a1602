// What a check had before it in one record: told to people who ask why it spoke, or why it said nothing.
import type { DayRange } from './day-range.js'

export interface Ground {
  /**
   * `enough`: it could judge. `too-little`: something it needs is absent or not exact enough. `nothing`: the record gives
   * it no reason to look.
   */
  kind: 'enough' | 'too-little' | 'nothing'
  /** What was held against what, with the limits of the file. Never a patient's value. */
  saw: string
}

export const enough = (saw: string): Ground => ({ kind: 'enough', saw })
export const tooLittle = (saw: string): Ground => ({ kind: 'too-little', saw })
export const nothing = (saw: string): Ground => ({ kind: 'nothing', saw })

export const NO_BIRTH_DATE = tooLittle('the birthDate, which is not there or cannot be read')
export const NO_EXACT_DAY = tooLittle('the day of vaccination, which is not known to the day')

/** Days that must not come before others: enough when all of them surely do not. */
export function inOrder(earlier: DayRange, later: DayRange, saw: string): Ground {
  return later.first >= earlier.last ? enough(saw) : tooLittle(`${saw}; a partial date leaves it open`)
}
