// Faults drawn by chance from a seed: the nth request of a receiver meets the same fault in every run.
import { FAULTS, type ControlSetting } from './control-setting.js'

/** The setting for one request, drawn anew by each call; `up` for most, where the rates are small. */
export type DrawFault = () => ControlSetting

export function createRandomFaults(setting: ControlSetting): DrawFault {
  const next = createGenerator(setting.seed ?? 1)
  const { delayMs, retryAfterSeconds, rates = {} } = setting
  return () => {
    // Always three numbers, so that what one request draws does not move what the later ones draw.
    const [chance, moment, form] = [next(), next(), next()]
    let reached = 0
    const mode = FAULTS.find((fault) => chance < (reached += rates[fault] ?? 0)) ?? 'up'
    const isDrawn = mode === 'slow' || mode === 'reset'
    const when = setting.when ?? (isDrawn && moment < 0.5 ? 'before' : 'after')
    return {
      mode,
      delayMs,
      retryAfterSeconds,
      when,
      retryAfter: setting.retryAfter ?? (form < 0.5 ? 'seconds' : 'date')
    }
  }
}

/** Numbers from 0 up to 1, evenly spread: a counter, mixed. Good enough for chance, not for secrets. */
function createGenerator(seed: number): () => number {
  let counter = seed >>> 0
  return () => {
    counter = (counter + 0x9e3779b9) >>> 0
    let mixed = counter
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
}
