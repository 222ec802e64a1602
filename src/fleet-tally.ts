// What this process counts for the whole fleet. Everything that is counted is a line of the log already: the tally reads
// the lines as they are written, so that a number and its line never tell different stories. No label comes from a record.
import type { FleetCount } from './storage/process-store.js'
import { FLEET_FAMILIES } from './fleet-families.js'

export interface FleetTally {
  add(name: string, labels: Labels, value?: number): void
  /** Into the bucket of a histogram; buckets are not cumulative here. */
  observe(name: string, labels: Labels, seconds: number): void
  /** What was counted since the last time; starts again from nothing. */
  take(): FleetCount[]
  /** Could not be written: counted again with the next. */
  putBack(counts: readonly FleetCount[]): void
}

export type Labels = Readonly<Record<string, string>>

export function createFleetTally(): FleetTally {
  let counts = new Map<string, FleetCount>()
  const addText = (name: string, labels: string, value: number): void => {
    const key = `${name}{${labels}`
    const counted = counts.get(key)
    if (counted === undefined) counts.set(key, { name, labels, value })
    else counted.value += value
  }
  return {
    add(name, labels, value = 1) {
      addText(name, labelText(labels), value)
    },
    observe(name, labels, seconds) {
      const family = FLEET_FAMILIES[name]
      const bucket = family?.type === 'histogram' ? family.buckets.find((upper) => seconds <= upper) : undefined
      const rest = labelText(labels)
      addText(`${name}_bucket`, `${rest}${rest === '' ? '' : ','}le="${bucket ?? '+Inf'}"`, 1)
      addText(`${name}_sum`, rest, seconds)
    },
    take() {
      const taken = [...counts.values()]
      counts = new Map()
      return taken
    },
    putBack(taken) {
      for (const { name, labels, value } of taken) addText(name, labels, value)
    }
  }
}

/** As Prometheus writes them, without braces. */
export function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`)
    .join(',')
}
