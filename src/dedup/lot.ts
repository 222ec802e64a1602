// Lot numbers as they are typed: normalised, and compared with the slips that people make.
import type { DedupRules } from './dedup-rules.js'

type LotRules = DedupRules['lots']

export interface Lot {
  /** Upper case, A-Z and 0-9 only. */
  text: string
  /** The same with letters that look like a digit written as that digit. */
  folded: string
}

/** `near`: only letters and digits that look alike are mixed up. `typo`: one keystroke apart. */
export type LotComparison = 'same' | 'near' | 'typo' | 'different' | 'absent'

/** Undefined for what is no lot number: absent, a placeholder, too short. */
export function normaliseLot(typed: string | undefined, rules: LotRules): Lot | undefined {
  const text = (typed ?? '').toUpperCase().replace(/[^A-Z0-9]/g, '')
  if (text.length < rules.minimumLength || rules.placeholders.includes(text)) return undefined
  return { text, folded: text.replace(/[A-Z]/g, (letter) => rules.confusable[letter] ?? letter) }
}

export function compareLots(a: Lot | undefined, b: Lot | undefined, rules: LotRules): LotComparison {
  if (a === undefined || b === undefined) return 'absent'
  if (a.text === b.text) return 'same'
  if (a.folded === b.folded) return 'near'
  const longEnough = Math.min(a.text.length, b.text.length) >= rules.typoMinimumLength
  return longEnough && isOneEditApart(a.text, b.text) ? 'typo' : 'different'
}

/** True when one character inserted, left out or replaced turns one text into the other. */
function isOneEditApart(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  if (long.length - short.length > 1) return false
  let index = 0
  while (index < short.length && short[index] === long[index]) index++
  return short.slice(short.length === long.length ? index + 1 : index) === long.slice(index + 1)
}
