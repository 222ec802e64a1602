// Chance that can be had again: one sequence for each seed and patient.
import { createRandom } from '../../test/support/synthetic.js'

export interface Dice {
  /** True with probability `share` (0 to 1). */
  chance(share: number): boolean
  /** A whole number between both, both included. */
  between(low: number, high: number): number
  pick<T>(values: readonly T[]): T
  /** A key, as often as its weight says. */
  weigh<K extends string>(weights: Readonly<Record<K, number>>): K
}

export function createDice(seed: number, index: number): Dice {
  const random = createRandom(Math.imul(seed + 1, 0x85ebca6b) ^ Math.imul(index + 1, 0x9e3779b1))
  const between = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1))
  return {
    chance: (share) => random() < share,
    between,
    pick: (values) => values[between(0, values.length - 1)]!,
    weigh(weights) {
      const entries = Object.entries<number>(weights) as [keyof typeof weights, number][]
      let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [key, weight] of entries) if ((left -= weight) < 0) return key
      return entries.at(-1)![0]
    }
  }
}
