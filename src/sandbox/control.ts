// The faults a person or a test asks the sandbox to have, per receiver.
import { SANDBOX_RECEIVERS, type SandboxReceiver } from './receiver.js'

const MODES = ['up', 'down', 'slow', 'limited', 'reset', 'refuse', 'credentials', 'garbled'] as const
export type Mode = (typeof MODES)[number]

export interface ControlSetting {
  mode: Mode
  /** `slow`: how long the answer waits. */
  delayMs: number
  /** `limited`: the Retry-After header. */
  retryAfterSeconds: number
  /** `slow` and `reset`: whether the request is carried out before the connection waits or breaks. */
  when: 'before' | 'after'
  /** Only requests of this sort are affected. */
  only?: 'read' | 'write'
  /** So many requests are affected, then the mode is `up` again. */
  times?: number
}

const DEFAULTS: ControlSetting = { mode: 'up', delayMs: 1_000, retryAfterSeconds: 1, when: 'after' }

export interface Control {
  /** @throws Error that says what is wrong with the setting */
  set(destination: SandboxReceiver, setting: unknown): ControlSetting
  settings(): Record<string, ControlSetting>
  /** The setting that holds for the next request, counted off. */
  take(destination: SandboxReceiver, isWrite: boolean): ControlSetting
  /** The setting that holds for everything, not counted off: one for some requests only does not. */
  look(destination: SandboxReceiver): ControlSetting
}

export function createControl(): Control {
  const current = new Map<SandboxReceiver, ControlSetting>(SANDBOX_RECEIVERS.map((name) => [name, DEFAULTS]))
  return {
    set(destination, setting) {
      const parsed = parseSetting(setting)
      current.set(destination, parsed)
      return parsed
    },
    settings: () => Object.fromEntries(current),
    take(destination, isWrite) {
      const setting = current.get(destination) ?? DEFAULTS
      if (setting.mode === 'up' || (setting.only !== undefined && (setting.only === 'write') !== isWrite))
        return DEFAULTS
      if (setting.times !== undefined) {
        current.set(destination, setting.times > 1 ? { ...setting, times: setting.times - 1 } : DEFAULTS)
      }
      return setting
    },
    look(destination) {
      const setting = current.get(destination) ?? DEFAULTS
      return setting.only === undefined && setting.times === undefined ? setting : DEFAULTS
    }
  }
}

function parseSetting(given: unknown): ControlSetting {
  if (typeof given !== 'object' || given === null) throw new Error('expected an object like {"mode":"down"}')
  const { mode, delayMs, retryAfterSeconds, when, only, times } = given as Record<string, unknown>
  const unknown = Object.keys(given).filter((key) => !(key in DEFAULTS) && key !== 'only' && key !== 'times')
  if (unknown.length > 0) throw new Error(`unknown parameter ${unknown.join(', ')}`)
  const known = MODES.find((name) => name === mode)
  if (known === undefined) throw new Error(`mode must be one of ${MODES.join(', ')}`)
  const parsed: ControlSetting = {
    mode: known,
    delayMs: parseCount('delayMs', delayMs, DEFAULTS.delayMs),
    retryAfterSeconds: parseCount('retryAfterSeconds', retryAfterSeconds, DEFAULTS.retryAfterSeconds),
    when: when === undefined ? DEFAULTS.when : parseChoice('when', when, ['before', 'after'])
  }
  if (only !== undefined) parsed.only = parseChoice('only', only, ['read', 'write'])
  if (times !== undefined) parsed.times = parseCount('times', times, 1)
  return parsed
}

function parseCount(name: string, given: unknown, fallback: number): number {
  if (given === undefined) return fallback
  if (typeof given === 'number' && Number.isInteger(given) && given >= 0 && given <= 86_400_000) return given
  throw new Error(`${name} must be a whole number, 0 or more`)
}

function parseChoice<const Choice extends string>(name: string, given: unknown, choices: readonly Choice[]): Choice {
  const chosen = choices.find((choice) => choice === given)
  if (chosen === undefined) throw new Error(`${name} must be one of ${choices.join(', ')}`)
  return chosen
}
