// What waits for an answer of a receiver, for Prometheus.
import { Gauge, type Registry } from 'prom-client'
import type { InboxHealth } from './storage/ops-inbox-queries.js'

const GAUGES: readonly [name: string, help: string, valueOf: (inbox: InboxHealth) => number][] = [
  [
    'imms_acknowledgements_awaited',
    'Deliveries that the receiver took and has said nothing final about',
    (inbox) => inbox.awaited
  ],
  ['imms_acknowledgements_overdue', 'Deliveries whose receiver said nothing final in time', (inbox) => inbox.overdue],
  ['imms_inbox_unknown_messages', 'Messages in the inbox that nobody understands', (inbox) => inbox.unknown],
  [
    'imms_inbox_failing_seconds',
    'For how long the inbox could not be looked into; 0 when it can',
    ({ failingSince }) => (failingSince === null ? 0 : Math.max(0, (Date.now() - failingSince.getTime()) / 1_000))
  ]
]

/** `read` is asked once for each reading of the metrics; a database that is away leaves them out. */
export function addInboxGauges(registers: Registry[], read: () => Promise<InboxHealth[]>): void {
  let pending: Promise<InboxHealth[]> | undefined
  // All gauges are collected side by side: they share one answer.
  const readOnce = (): Promise<InboxHealth[]> => {
    pending ??= read()
      .catch(() => [])
      .finally(() => (pending = undefined))
    return pending
  }
  for (const [name, help, valueOf] of GAUGES) {
    new Gauge({
      name,
      help,
      labelNames: ['destination'] as const,
      registers,
      async collect() {
        this.reset()
        for (const inbox of await readOnce()) this.set({ destination: inbox.destination }, valueOf(inbox))
      }
    })
  }
}
