// What a receiver of the sandbox can be told to do, and how that is written down.

/** Everything that can go wrong with one request. */
export const FAULTS = [
  'down',
  'slow',
  'limited',
  'reset',
  'half',
  'garbled',
  'error-body',
  'conflict',
  'duplicate',
  'expired',
  'refuse',
  'credentials'
] as const
export type FaultName = (typeof FAULTS)[number]

const MODES = ['up', ...FAULTS, 'random'] as const
const MOMENTS = ['before', 'after'] as const
export const RETRY_AFTER_FORMS = ['seconds', 'date', 'none', 'garbage', 'huge'] as const

export interface ControlSetting {
  mode: (typeof MODES)[number]
  /** `slow`: how long the answer waits. */
  delayMs: number
  /** `limited`: what the Retry-After header asks for, in seconds or as a date. */
  retryAfterSeconds: number
  /** `limited`: how the header is written; left out `seconds`, in `random` drawn from `seconds` and `date`. */
  retryAfter?: (typeof RETRY_AFTER_FORMS)[number]
  /**
   * Whether the request is carried out before or after the fault, for `slow`, `reset`, `half`, `garbled` and `error-body`.
   * Left out `after`; in `random` drawn for `slow` and `reset`.
   */
  when?: (typeof MOMENTS)[number]
  /** Only requests of this sort are affected. */
  only?: 'read' | 'write'
  /** So many requests are affected, then the mode is `up` again. */
  times?: number
  /** `random`: the same seed draws the same faults in the same order. */
  seed?: number
  /** `random`: the share of requests that meet a fault, by fault; together at most 1. */
  rates?: Partial<Record<FaultName, number>>
}

export const UP: ControlSetting = { mode: 'up', delayMs: 1_000, retryAfterSeconds: 1 }

const KNOWN = ['mode', 'delayMs', 'retryAfterSeconds', 'retryAfter', 'when', 'only', 'times', 'seed', 'rates']

/** @throws Error that says what is wrong with the setting */
export function parseSetting(given: unknown): ControlSetting {
  if (typeof given !== 'object' || given === null) throw new Error('expected an object like {"mode":"down"}')
  const { mode, delayMs, retryAfterSeconds, retryAfter, when, only, times, seed, rates } = given as Record<
    string,
    unknown
  >
  const unknown = Object.keys(given).filter((key) => !KNOWN.includes(key))
  if (unknown.length > 0) throw new Error(`unknown parameter ${unknown.join(', ')}`)
  const parsed: ControlSetting = {
    mode: parseChoice('mode', mode, MODES),
    delayMs: parseCount('delayMs', delayMs, UP.delayMs),
    retryAfterSeconds: parseCount('retryAfterSeconds', retryAfterSeconds, UP.retryAfterSeconds)
  }
  if (retryAfter !== undefined) parsed.retryAfter = parseChoice('retryAfter', retryAfter, RETRY_AFTER_FORMS)
  if (when !== undefined) parsed.when = parseChoice('when', when, MOMENTS)
  if (only !== undefined) parsed.only = parseChoice('only', only, ['read', 'write'])
  if (times !== undefined) parsed.times = parseCount('times', times, 1)
  if (parsed.mode !== 'random') {
    if (seed !== undefined || rates !== undefined) throw new Error('seed and rates belong to the mode random')
    return parsed
  }
  return { ...parsed, seed: parseCount('seed', seed, 1, 2 ** 32 - 1), rates: parseRates(rates) }
}

function parseRates(given: unknown): Partial<Record<FaultName, number>> {
  if (typeof given !== 'object' || given === null) throw new Error('random needs rates, like {"down":0.1,"reset":0.05}')
  const rates: Partial<Record<FaultName, number>> = {}
  for (const [name, rate] of Object.entries(given)) {
    const fault = parseChoice('a name in rates', name, FAULTS)
    if (typeof rate !== 'number' || !(rate >= 0 && rate <= 1)) throw new Error(`the rate of ${fault} must be 0 to 1`)
    rates[fault] = rate
  }
  const sum = Object.values(rates).reduce((total, rate) => total + rate, 0)
  // A sum of tenths is not exact in binary.
  if (sum > 1 + 1e-9) throw new Error('the rates must not come to more than 1 together')
  return rates
}

function parseCount(name: string, given: unknown, fallback: number, most = 86_400_000): number {
  if (given === undefined) return fallback
  if (typeof given === 'number' && Number.isInteger(given) && given >= 0 && given <= most) return given
  throw new Error(`${name} must be a whole number, 0 to ${most}`)
}

function parseChoice<const Choice extends string>(name: string, given: unknown, choices: readonly Choice[]): Choice {
  const chosen = choices.find((choice) => choice === given)
  if (chosen === undefined) throw new Error(`${name} must be one of ${choices.join(', ')}`)
  return chosen
}
