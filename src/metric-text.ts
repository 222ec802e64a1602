// Families of metrics as Prometheus text 0.0.4, for numbers that are not this process's own.
import type { FleetCount } from './storage/process-store.js'
import { FLEET_FAMILIES } from './fleet-families.js'

export interface Sample {
  /** Without braces. */
  labels: string
  value: number
}

export interface Family {
  name: string
  help: string
  type: 'gauge' | 'counter' | 'histogram'
  samples: readonly Sample[]
}

export function writeFamily({ name, help, type, samples }: Family): string {
  const lines = samples.map(({ labels, value }) => sampleLine(name, labels, value))
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

/** Counters and histograms, whose buckets become cumulative here. */
export function writeCounts(counts: readonly FleetCount[]): string {
  return Object.entries(FLEET_FAMILIES)
    .map(([name, family]) => {
      const { type, help } = family
      if (type === 'counter')
        return writeFamily({ name, type, help, samples: counts.filter((count) => count.name === name) })
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${histogramLines(name, family.buckets, counts)}`
    })
    .join('')
}

/** Every bucket of every set of labels, also those that nothing fell into. */
function histogramLines(name: string, uppers: readonly number[], counts: readonly FleetCount[]): string {
  const found = new Map<string, Map<string, number>>()
  for (const count of counts) {
    if (count.name !== `${name}_bucket`) continue
    const [, labels = '', upper = ''] = /^(.*?),?le="([^"]*)"$/.exec(count.labels) ?? []
    found.set(labels, (found.get(labels) ?? new Map<string, number>()).set(upper, count.value))
  }
  return [...found].map(([labels, values]) => oneHistogram(name, labels, uppers, values, counts)).join('')
}

function oneHistogram(
  name: string,
  labels: string,
  uppers: readonly number[],
  values: ReadonlyMap<string, number>,
  counts: readonly FleetCount[]
): string {
  let total = 0
  const lines = [...uppers.map(String), '+Inf'].map((upper) => {
    total += values.get(upper) ?? 0
    return sampleLine(`${name}_bucket`, joined(labels, `le="${upper}"`), total)
  })
  return [
    ...lines,
    sampleLine(`${name}_sum`, labels, sumOf(name, labels, counts)),
    sampleLine(`${name}_count`, labels, total)
  ].join('')
}

function sumOf(name: string, labels: string, counts: readonly FleetCount[]): number {
  return counts.find((count) => count.name === `${name}_sum` && count.labels === labels)?.value ?? 0
}

function joined(labels: string, last: string): string {
  return labels === '' ? last : `${labels},${last}`
}

function sampleLine(name: string, labels: string, value: number): string {
  return `${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`
}
