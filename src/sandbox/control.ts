// The faults a person or a test asks the sandbox to have, per receiver.
import { parseSetting, UP, type ControlSetting } from './control-setting.js'
import { createRandomFaults, type DrawFault } from './random-faults.js'
import { SANDBOX_RECEIVERS, type SandboxReceiver } from './receiver.js'

export interface Control {
  /** @throws Error that says what is wrong with the setting */
  set(destination: SandboxReceiver, setting: unknown): ControlSetting
  settings(): Record<string, ControlSetting>
  /** The setting that holds for the next request, counted off and, where it is by chance, drawn. */
  take(destination: SandboxReceiver, isWrite: boolean): ControlSetting
  /** The setting that holds for everything, not counted off: one for some requests, or by chance, does not. */
  look(destination: SandboxReceiver): ControlSetting
}

export function createControl(): Control {
  const current = new Map<SandboxReceiver, ControlSetting>(SANDBOX_RECEIVERS.map((name) => [name, UP]))
  const draws = new Map<SandboxReceiver, DrawFault>()
  return {
    set(destination, setting) {
      const parsed = parseSetting(setting)
      current.set(destination, parsed)
      draws.set(destination, parsed.mode === 'random' ? createRandomFaults(parsed) : () => parsed)
      return parsed
    },
    settings: () => Object.fromEntries(current),
    take(destination, isWrite) {
      const setting = current.get(destination) ?? UP
      if (setting.mode === 'up' || (setting.only !== undefined && (setting.only === 'write') !== isWrite)) return UP
      const fault = draws.get(destination)?.() ?? setting
      if (setting.times !== undefined) {
        current.set(destination, setting.times > 1 ? { ...setting, times: setting.times - 1 } : UP)
      }
      return fault
    },
    look(destination) {
      const setting = current.get(destination) ?? UP
      const isForAll = setting.only === undefined && setting.times === undefined && setting.mode !== 'random'
      return isForAll ? setting : UP
    }
  }
}
