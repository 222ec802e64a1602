// How PostgreSQL itself is: what imms doctor and the metrics tell of it. Needs no more rights than the service has.
import type { Sql } from './sql.js'

export interface DatabaseVitals {
  /** 180004 for 18.4. */
  versionNumber: number
  version: string
  /** Of the oldest transaction that still runs: VACUUM cannot remove what it may see. Null when none does. */
  oldestTransactionSeconds: number | null
  /** Who runs it: application name and process id of the server. */
  oldestTransactionBy: string | null
  /** Replication slots count too: they keep rows as a transaction does. */
  oldestXminAge: number | null
  /** Sessions that wait for a lock for more than a second. */
  waitingForLocks: number
  deadTuples: number
  liveTuples: number
  /** Of the replica that is furthest behind; null without one. */
  replicaLagSeconds: number | null
  isReplica: boolean
  databaseBytes: number
  connections: number
  maxConnections: number
  migrations: number
  lastMigration: string | null
}

/** Numbers of one destination, for the gauges. */
export interface LaneGauge {
  destination: string
  state: string
  /** Of the last attempt where it is held; an empty text else. */
  class: string
  count: number
  oldestSeconds: number
  /** How long the delivery has been due that is due the longest; 0 when none is. */
  dueSeconds: number
}

export interface DoorGauge {
  destination: string
  isPaused: boolean
  isBreakerOpen: boolean
  /** Nothing is sent before so long. */
  closedForSeconds: number
  secondsSinceDelivered: number | null
}

export interface OpsVitalsQueries {
  readVitals(): Promise<DatabaseVitals>
  /** Bytes of WAL since the database was made. Rejects where PostgreSQL does not let the service ask. */
  readWalBytes(): Promise<number>
  readLaneGauges(): Promise<LaneGauge[]>
  readDoorGauges(): Promise<DoorGauge[]>
  countRunningReplays(): Promise<{ destination: string; planned: number }[]>
}

export function createOpsVitalsQueries(sql: Sql): OpsVitalsQueries {
  return {
    async readVitals() {
      const { rows } = await sql.query<DatabaseVitals>(READ_VITALS)
      const [vitals] = rows
      if (vitals === undefined) throw new Error('PostgreSQL told nothing about itself')
      return vitals
    },
    async readWalBytes() {
      const { rows } = await sql.query<{ bytes: number }>(READ_WAL)
      return rows[0]?.bytes ?? 0
    },
    async readLaneGauges() {
      const { rows } = await sql.query<LaneGauge>(READ_LANES)
      return rows
    },
    async readDoorGauges() {
      const { rows } = await sql.query<DoorGauge>(READ_DOORS)
      return rows
    },
    async countRunningReplays() {
      const { rows } = await sql.query<{ destination: string; planned: number }>(
        `select destination, planned from replay where state = 'running' order by destination`
      )
      return rows
    }
  }
}

const READ_VITALS = `
select current_setting('server_version_num')::integer as "versionNumber",
       current_setting('server_version') as version,
       oldest.seconds as "oldestTransactionSeconds",
       oldest.by as "oldestTransactionBy",
       (
         select max(greatest(age(backend_xmin), age(backend_xid)))
           from pg_stat_activity
       ) as "oldestXminAge",
       (
         select count(*)
           from pg_stat_activity
          where wait_event_type = 'Lock'
            and state_change < now() - interval '1 second'
            and datname = current_database()
       )::integer as "waitingForLocks",
       coalesce(tuples.dead, 0)::double precision as "deadTuples",
       coalesce(tuples.live, 0)::double precision as "liveTuples",
       (
         select max(extract(epoch from replay_lag))
           from pg_stat_replication
       )::double precision as "replicaLagSeconds",
       pg_is_in_recovery() as "isReplica",
       pg_database_size(current_database())::double precision as "databaseBytes",
       (select count(*) from pg_stat_activity where datname = current_database())::integer as connections,
       current_setting('max_connections')::integer as "maxConnections",
       (select count(*) from schema_migration)::integer as migrations,
       (select name from schema_migration order by version desc limit 1) as "lastMigration"
  from (
         select sum(n_dead_tup) as dead, sum(n_live_tup) as live
           from pg_stat_user_tables
          where relname in ('delivery', 'delivery_attempt')
       ) tuples
  left join lateral (
         select extract(epoch from clock_timestamp() - xact_start)::double precision as seconds,
                application_name || ' (pid ' || pid || ', ' || coalesce(state, 'unknown') || ')' as by
           from pg_stat_activity
          where xact_start is not null
            and pid <> pg_backend_pid()
            and datname = current_database()
            and backend_type = 'client backend'
          order by xact_start
          limit 1
       ) oldest on true`

// By itself: a right that is missing fails the whole statement, and a replica has no current place.
const READ_WAL = `
select pg_wal_lsn_diff(
         case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, '0/0'
       )::double precision as bytes`

// Two halves, because no partial index serves the live ones and the blocked ones together.
const READ_LANES = `
select delivery.destination, delivery.state,
       case when delivery.state = 'held' then coalesce(delivery.last_class, 'unknown') else '' end as class,
       count(*)::integer as count,
       greatest(extract(epoch from now() - min(delivery.created_at)), 0)::double precision as "oldestSeconds",
       coalesce(
         greatest(
           extract(epoch from now() - min(delivery.due_at) filter (where delivery.state in ('ready', 'verify'))), 0
         ), 0
       )::double precision as "dueSeconds"
  from delivery
 where delivery.state in ('ready', 'queued', 'in_flight', 'verify', 'held')
 group by 1, 2, 3
 union all
select destination, 'blocked', '', count(*)::integer,
       greatest(extract(epoch from now() - min(created_at)), 0)::double precision, 0
  from delivery
 where state = 'blocked'
 group by destination
 order by 1, 2, 3`

const READ_DOORS = `
select destination,
       state = 'paused' as "isPaused",
       breaker_opened_at is not null as "isBreakerOpen",
       coalesce(greatest(extract(epoch from resume_at - now()), 0), 0)::double precision as "closedForSeconds",
       extract(epoch from now() - last_delivered_at)::double precision as "secondsSinceDelivered"
  from destination
 order by destination`
