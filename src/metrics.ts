// Counters for Prometheus. No label ever comes from a record: programme files, rule ids and states only.
import { Counter, Gauge, Registry } from 'prom-client'
import type { ProgrammeVerdict } from './ingest/judge.js'
import type { OpsInboxQueries } from './storage/ops-inbox-queries.js'
import { addInboxGauges } from './inbox-gauges.js'
import type { RulesStatus } from './live-rules.js'

export interface Metrics {
  /** Prometheus text format 0.0.4. */
  read(): Promise<string>
  /** Counts what draft programmes would have said of an accepted record. */
  countShadow(verdict: Pick<ProgrammeVerdict, 'shadow'>): void
  /** Counts accepted records with more candidates than deduplication compares. */
  countCrowded(records: number): void
}

/** All are asked whenever the metrics are read. `readFleet`: what is known of the whole fleet, as text. */
export function createMetrics(
  readStatus: () => RulesStatus,
  inboxes: Pick<OpsInboxQueries, 'readInboxHealth'>,
  readFleet: () => Promise<string>
): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const judged = new Counter({
    name: 'imms_shadow_judged_total',
    help: 'Accepted records that a draft programme looked at',
    labelNames: ['programme'] as const,
    registers
  })
  const issues = new Counter({
    name: 'imms_shadow_issues_total',
    help: 'What draft programmes would have said of accepted records',
    labelNames: ['programme', 'rule', 'severity'] as const,
    registers
  })
  new Gauge({
    name: 'imms_programmes',
    help: 'Programme files in force, by status',
    labelNames: ['status'] as const,
    registers,
    collect() {
      const { programmes } = readStatus()
      for (const status of ['active', 'draft', 'retired'] as const)
        this.set({ status }, programmes.filter((programme) => programme.status === status).length)
    }
  })
  new Gauge({
    name: 'imms_programmes_fault',
    help: '1 while the programme files as they are now could not be loaded and the last good set is in force',
    registers,
    collect() {
      this.set(readStatus().fault === undefined ? 0 : 1)
    }
  })
  new Gauge({
    name: 'imms_programmes_loaded_timestamp_seconds',
    help: 'When the set of programmes in force was loaded',
    registers,
    collect() {
      this.set(readStatus().loadedAt.getTime() / 1000)
    }
  })
  addInboxGauges(registers, () => inboxes.readInboxHealth())
  const crowded = new Counter({
    name: 'imms_dedup_crowded_total',
    help: 'Accepted records with more similar ones beside them than deduplication compares: merged with none',
    registers
  })
  return {
    countCrowded(records) {
      crowded.inc(records)
    },
    read: async () => `${await registry.metrics()}\n${await readFleet()}`,
    countShadow({ shadow }) {
      if (shadow.programmes.length === 0) return
      const names = shadow.programmes.map(({ id, version }) => `${id} ${version}`)
      for (const programme of names) judged.inc({ programme })
      // An issue says where it comes from in words only; several drafts at once share what they say.
      const programme = names.join(', ')
      for (const { rule, severity } of shadow.issues) issues.inc({ programme, rule, severity })
    }
  }
}
