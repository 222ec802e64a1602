// Metrics of the whole fleet, from the database: the same from every process, whichever is asked. Read at most once in a
// few seconds, however many ask.
import type { Database } from './storage/database.js'
import type { CheckedInvariant } from './storage/ops-invariant-queries.js'
import type { DatabaseVitals, DoorGauge, LaneGauge } from './storage/ops-vitals-queries.js'
import type { RunningProcess } from './storage/process-store.js'
import { labelText, type Labels } from './fleet-tally.js'
import { writeCounts, writeFamily, type Sample } from './metric-text.js'

const FRESH_MS = 5_000
/** A process reports every five seconds. */
const SILENT_SECONDS = 30

export type ReadFleetMetrics = () => Promise<string>

/** Prometheus text. While the database does not answer, only that it does not. */
export function createFleetMetrics(deps: {
  database: Database
  queues: { engine: string; isReady(): boolean }
}): ReadFleetMetrics {
  let shared: { at: number; text: Promise<string> } | undefined
  return () => {
    if (shared === undefined || performance.now() - shared.at > FRESH_MS) {
      const text = readAll(deps).catch(() => up(false))
      shared = { at: performance.now(), text }
    }
    return shared.text
  }
}

async function readAll({ database, queues }: Parameters<typeof createFleetMetrics>[0]): Promise<string> {
  const { ops, processes } = database.stores
  // One after the other: a scrape takes one connection, not six.
  const lanes = await ops.readLaneGauges()
  const doors = await ops.readDoorGauges()
  const vitals = await ops.readVitals()
  const walBytes = await ops.readWalBytes().catch(() => undefined)
  const checked = await ops.readCheckedInvariants()
  const replays = await ops.countRunningReplays()
  const running = await processes.list()
  const counts = await processes.readCounts()
  return [
    up(true),
    ...writeDestinations(lanes, doors),
    gauge(
      'imms_replays_running',
      'Deliveries of the replay that runs at the destination',
      replays.map(({ destination, planned }) => ({ labels: labelText({ destination }), value: planned }))
    ),
    ...writeInvariants(checked),
    gauge('imms_queue_ready', '1 while the queue engine answers this process', [
      { labels: labelText({ engine: queues.engine }), value: Number(queues.isReady()) }
    ]),
    ...writeProcesses(running),
    ...writeVitals(vitals),
    writeFamily({
      name: 'imms_postgres_wal_bytes_total',
      help: 'Bytes of WAL since the database was made; nothing where PostgreSQL does not let the service ask',
      type: 'counter',
      samples: walBytes === undefined ? [] : [{ labels: '', value: walBytes }]
    }),
    writeCounts(counts)
  ].join('')
}

function gauge(name: string, help: string, samples: readonly Sample[]): string {
  return writeFamily({ name, help, type: 'gauge', samples })
}

function writeDestinations(lanes: readonly LaneGauge[], doors: readonly DoorGauge[]): string[] {
  const names = [...new Set([...doors, ...lanes].map(({ destination }) => destination))].sort()
  const each = (valueOf: (lanes: readonly LaneGauge[], door: DoorGauge | undefined) => number): Sample[] =>
    names.map((destination) => ({
      labels: labelText({ destination }),
      value: valueOf(
        lanes.filter((lane) => lane.destination === destination),
        doors.find((door) => door.destination === destination)
      )
    }))
  return [
    gauge(
      'imms_oldest_undelivered_seconds',
      'Age of the oldest delivery that has not ended, by destination',
      each((its) => most(its, 'oldestSeconds'))
    ),
    gauge(
      'imms_oldest_due_seconds',
      'How long the delivery has been due that waits longest to be rung for; 0 behind a closed door',
      each((its, door) => (isOpen(door) ? most(its, 'dueSeconds') : 0))
    ),
    gauge('imms_deliveries', 'Deliveries that have not ended, by state', byState(lanes)),
    gauge('imms_held', 'Deliveries that a person must look at, by class of their last attempt', byClass(lanes)),
    gauge(
      'imms_breaker_open',
      '1 while the breaker of the destination is open',
      each((_its, door) => Number(door?.isBreakerOpen ?? false))
    ),
    gauge(
      'imms_destination_paused',
      '1 while the destination is paused by a person',
      each((_its, door) => Number(door?.isPaused ?? false))
    )
  ]
}

function writeInvariants(checked: readonly CheckedInvariant[]): string[] {
  return [
    gauge(
      'imms_invariant_violations',
      'Where something that must always be true is not (at most 100 are counted)',
      checked.map(({ id, violations }) => ({ labels: labelText({ invariant: id }), value: violations }))
    ),
    gauge(
      'imms_invariants_checked_timestamp_seconds',
      'When the invariants were looked at last',
      // The row of I1 is touched by whoever is about to look.
      checked
        .filter(({ id }) => id === 'I2')
        .map(({ checkedAt }) => ({ labels: '', value: checkedAt.getTime() / 1_000 }))
    )
  ]
}

function writeProcesses(processes: readonly RunningProcess[]): string[] {
  const living = processes.filter(({ seenSecondsAgo }) => seenSecondsAgo < SILENT_SECONDS)
  const each = (key: string, labels: Labels = {}): Sample[] =>
    living.map(({ name, gauges }) => ({ labels: labelText({ process: name, ...labels }), value: gauges[key] ?? 0 }))
  return [
    gauge(
      'imms_processes',
      'Processes that run the role',
      ['api', 'relay', 'worker'].map((role) => ({
        labels: labelText({ role }),
        value: living.filter(({ roles }) => roles.includes(role)).length
      }))
    ),
    gauge('imms_event_loop_lag_seconds', '99th percentile of the last seconds', each('eventLoopLagSeconds')),
    gauge('imms_memory_bytes', 'Resident memory', each('memoryBytes')),
    gauge('imms_pool_connections', 'Connections to PostgreSQL', [
      ...each('poolOpen', { state: 'open' }),
      ...each('poolIdle', { state: 'idle' })
    ]),
    gauge('imms_pool_waiting', 'Callers that wait for a connection', each('poolWaiting')),
    gauge(
      'imms_clock_skew_seconds',
      'Clock of the process minus clock of PostgreSQL',
      living.map(({ name, clockSkewMs }) => ({ labels: labelText({ process: name }), value: clockSkewMs / 1_000 }))
    )
  ]
}

function writeVitals(vitals: DatabaseVitals): string[] {
  const one = (value: number): Sample[] => [{ labels: '', value }]
  return [
    gauge(
      'imms_postgres_oldest_transaction_seconds',
      'Age of the oldest transaction that runs',
      one(vitals.oldestTransactionSeconds ?? 0)
    ),
    gauge(
      'imms_postgres_oldest_xmin_age',
      'Age of the oldest snapshot, in transactions',
      one(vitals.oldestXminAge ?? 0)
    ),
    gauge(
      'imms_postgres_dead_rows',
      'Rows of deliveries and attempts that VACUUM has not removed',
      one(vitals.deadTuples)
    ),
    gauge('imms_postgres_live_rows', 'Rows of deliveries and attempts', one(vitals.liveTuples)),
    gauge('imms_postgres_replica_lag_seconds', 'Of the replica furthest behind', one(vitals.replicaLagSeconds ?? 0)),
    gauge('imms_postgres_database_bytes', 'Size of the database', one(vitals.databaseBytes)),
    gauge('imms_postgres_connections', 'Connections to the database, of everybody', one(vitals.connections))
  ]
}

function up(value: boolean): string {
  return writeFamily({
    name: 'imms_database_up',
    help: '1 while PostgreSQL answers this process',
    type: 'gauge',
    samples: [{ labels: '', value: Number(value) }]
  })
}

function isOpen(door: DoorGauge | undefined): boolean {
  return door === undefined || (!door.isPaused && !door.isBreakerOpen && door.closedForSeconds === 0)
}

function most(lanes: readonly LaneGauge[], key: 'oldestSeconds' | 'dueSeconds'): number {
  return Math.max(0, ...lanes.map((lane) => lane[key]))
}

function byState(lanes: readonly LaneGauge[]): Sample[] {
  return sum(lanes.map(({ destination, state, count }) => [labelText({ destination, state }), count]))
}

function byClass(lanes: readonly LaneGauge[]): Sample[] {
  const held = lanes.filter(({ state }) => state === 'held')
  return sum(held.map((lane) => [labelText({ destination: lane.destination, class: lane.class }), lane.count]))
}

function sum(entries: readonly (readonly [labels: string, count: number])[]): Sample[] {
  const sums = new Map<string, number>()
  for (const [labels, count] of entries) sums.set(labels, (sums.get(labels) ?? 0) + count)
  return [...sums].map(([labels, value]) => ({ labels, value }))
}
