// The processes that run, and what all of them have counted: written by each every few seconds, read by any.
import type { Sql } from './sql.js'

export interface ProcessReport {
  processId: string
  /** host/pid */
  name: string
  roles: readonly string[]
  /** Its clock minus the clock of the database. */
  clockSkewMs: number
  gauges: Readonly<Record<string, number>>
}

export interface RunningProcess extends ProcessReport {
  startedAt: Date
  seenAt: Date
  /** By the clock of the database. */
  seenSecondsAgo: number
}

/** `labels`: as Prometheus writes them, without braces. */
export interface FleetCount {
  name: string
  labels: string
  value: number
}

export interface ProcessStore {
  /** Gives the moment of the database, in milliseconds of Unix time: for the clock skew of the next report. */
  report(report: ProcessReport): Promise<number>
  /** It has ended as it should. */
  remove(processId: string): Promise<void>
  /** Forgets those that nobody has heard of for so long. */
  removeSilent(forSeconds: number): Promise<void>
  /** Oldest first. */
  list(): Promise<RunningProcess[]>
  /** Adds to what is there. Any number of processes at once. */
  addCounts(counts: readonly FleetCount[]): Promise<void>
  readCounts(): Promise<FleetCount[]>
}

export function createProcessStore(sql: Sql): ProcessStore {
  return {
    async report({ processId, name, roles, clockSkewMs, gauges }) {
      const { rows } = await sql.query<{ now: number }>(REPORT, [processId, name, roles, clockSkewMs, gauges])
      return rows[0]?.now ?? 0
    },
    async remove(processId) {
      await sql.query('delete from process where process_id = $1', [processId])
    },
    async removeSilent(forSeconds) {
      await sql.query(`delete from process where seen_at < now() - $1 * interval '1 second'`, [forSeconds])
    },
    async list() {
      const { rows } = await sql.query<RunningProcess>(LIST)
      return rows
    },
    async addCounts(counts) {
      if (counts.length === 0) return
      await sql.query(ADD_COUNTS, [JSON.stringify(counts)])
    },
    async readCounts() {
      const { rows } = await sql.query<FleetCount>('select name, labels, value from fleet_count order by name, labels')
      return rows
    }
  }
}

const REPORT = `
insert into process (process_id, name, roles, clock_skew_ms, gauges)
values ($1, $2, $3, $4, $5)
on conflict (process_id) do update
   set seen_at = now(), clock_skew_ms = excluded.clock_skew_ms, gauges = excluded.gauges
returning (extract(epoch from clock_timestamp()) * 1000)::double precision as now`

const LIST = `
select process_id as "processId", name, roles, clock_skew_ms as "clockSkewMs", gauges,
       started_at as "startedAt", seen_at as "seenAt",
       greatest(extract(epoch from now() - seen_at), 0)::double precision as "seenSecondsAgo"
  from process
 order by started_at, process_id`

// In one order, so that two processes that add the same counts never wait for each other crosswise.
const ADD_COUNTS = `
insert into fleet_count (name, labels, value)
select name, labels, value
  from json_to_recordset($1) as counted (name text, labels text, value double precision)
 order by name, labels
on conflict (name, labels) do update set value = fleet_count.value + excluded.value`
