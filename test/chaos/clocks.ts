// Processes whose clock is wrong all the time. Deadlines and turns are PostgreSQL's to tell, so that nothing follows.
import type { Role } from './plan-faults.js'

export const CLOCK_FAULT = 'clock five minutes off'

const OFF_BY_MS = 5 * 60_000

/**
 * By the name of the process: a worker ahead and the API behind, or the other way round, by the seed. All API processes
 * are off together, since the oracle goes by the ids of deliveries, which hold the time of the process that made them.
 */
export function planClocks(seed: number, counts: Record<Role, number>): Record<string, number> {
  const sign = seed % 2 === 0 ? 1 : -1
  const clocks: Record<string, number> = { 'worker-0': sign * OFF_BY_MS }
  for (let place = 0; place < counts.api; place++) clocks[`api-${place}`] = -sign * OFF_BY_MS
  return clocks
}

/** Arguments of node that set `Date` off by so much; the clocks that only measure stay as they are. */
export function clockOffBy(ms: number): string[] {
  const program = `
const off = ${ms}, Real = Date
const now = () => Real.now() + off
globalThis.Date = new Proxy(Real, {
  construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
  apply: () => new Real(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name))
})`
  return [`--import=data:text/javascript,${encodeURIComponent(program)}`]
}
