// What is wrong with what the service stands on, if anything. Pure.
import type { DatabaseVitals } from '../storage/ops-vitals-queries.js'
import type { RunningProcess } from '../storage/process-store.js'
import type { Destination } from './destination.js'
import { moment } from './moment.js'

export interface Finding {
  what: string
  /** `note`: nothing is wrong, but somebody should know. */
  state: 'ok' | 'note' | 'trouble'
  text: string
  /** What to do; null when nothing. */
  todo: string | null
}

export const ok = (what: string, text: string): Finding => ({ what, state: 'ok', text, todo: null })
export const trouble = (what: string, text: string, todo: string): Finding => ({ what, state: 'trouble', text, todo })
const note = (what: string, text: string, todo: string): Finding => ({ what, state: 'note', text, todo })

/** The oldest that the README names. */
const OLDEST_POSTGRES = 150_000
const LONG_TRANSACTION_SECONDS = 15 * 60
const OLD_XMIN = 50_000_000
const LAG_SECONDS = 30
/** Part of the rows that VACUUM should have removed, from so many on. */
const DEAD_PART = 0.5
const DEAD_LEAST = 50_000
const SKEW_MS = 1_000
/** A process reports every five seconds. */
const SILENT_SECONDS = 30
const EXPIRY_DAYS = 30
const FREE_BYTES = 2 * 1024 ** 3

export function checkDatabase(vitals: DatabaseVitals, release: { migrations: number; isEmbedded: boolean }): Finding[] {
  return [
    checkVersion(vitals, release.isEmbedded),
    checkMigrations(vitals, release.migrations),
    checkTransactions(vitals),
    checkLocks(vitals),
    checkBloat(vitals),
    checkReplication(vitals),
    checkConnections(vitals)
  ]
}

function checkVersion(
  { version, versionNumber, isReplica, databaseBytes }: DatabaseVitals,
  isEmbedded: boolean
): Finding {
  if (isReplica)
    return trouble('PostgreSQL', 'this is a replica: it takes no writes', 'point DATABASE_URL to the primary')
  if (versionNumber < OLDEST_POSTGRES)
    return trouble('PostgreSQL', `version ${version} is too old`, 'PostgreSQL 15 or later is needed')
  const words = `version ${version}, ${bytesWords(databaseBytes)}`
  if (!isEmbedded) return ok('PostgreSQL', words)
  return note('PostgreSQL', `${words}, embedded`, 'for evaluation and development only; production sets DATABASE_URL')
}

function checkMigrations({ migrations, lastMigration }: DatabaseVitals, expected: number): Finding {
  if (migrations === expected) return ok('migrations', `${migrations} of ${expected}, the last ${lastMigration ?? '-'}`)
  return trouble(
    'migrations',
    `${migrations} are applied, this release has ${expected}`,
    migrations > expected
      ? 'a newer release has started meanwhile: restart this process with it'
      : 'restart a process: it applies them'
  )
}

function checkTransactions(vitals: DatabaseVitals): Finding {
  const { oldestTransactionSeconds: seconds, oldestTransactionBy: by, oldestXminAge: age } = vitals
  if (seconds !== null && seconds > LONG_TRANSACTION_SECONDS)
    return trouble(
      'oldest transaction',
      `${Math.round(seconds / 60)} minutes old, of ${by ?? 'somebody'}: VACUUM cannot clean up behind it`,
      'end it: select pg_terminate_backend(<pid>), or find out who left it open'
    )
  if ((age ?? 0) > OLD_XMIN)
    return trouble(
      'oldest transaction',
      `the oldest snapshot is ${age ?? 0} transactions old`,
      'look for a forgotten replication slot or prepared transaction (pg_replication_slots, pg_prepared_xacts)'
    )
  return ok('oldest transaction', seconds === null ? 'none runs' : `${Math.round(seconds)} s old`)
}

function checkLocks({ waitingForLocks: waiting }: DatabaseVitals): Finding {
  if (waiting < 5) return ok('locks', `${waiting} sessions wait`)
  return trouble(
    'locks',
    `${waiting} sessions wait for a lock`,
    'look who holds it: select pg_blocking_pids(pid) from pg_stat_activity'
  )
}

function checkBloat({ deadTuples: dead, liveTuples: live }: DatabaseVitals): Finding {
  if (dead < DEAD_LEAST || dead < live * DEAD_PART) return ok('dead rows', `${dead} of deliveries, ${live} live ones`)
  return trouble(
    'dead rows',
    `${dead} of deliveries beside ${live} live ones: VACUUM does not keep up`,
    'VACUUM (verbose) delivery, delivery_attempt; then lower autovacuum_vacuum_scale_factor for both'
  )
}

function checkReplication({ replicaLagSeconds: lag }: DatabaseVitals): Finding {
  if (lag === null) return ok('replication', 'no replica is seen from here')
  if (lag < LAG_SECONDS) return ok('replication', `the replica furthest behind lags ${lag.toFixed(1)} s`)
  return trouble(
    'replication',
    `a replica lags ${Math.round(lag)} s`,
    'a failover now would lose that much: look at the replica first'
  )
}

function checkConnections({ connections, maxConnections: most }: DatabaseVitals): Finding {
  const words = `${connections} of ${most}`
  if (connections < most * 0.9) return ok('connections', words)
  return trouble('connections', words, 'lower DATABASE_CONNECTIONS, run fewer processes, or raise max_connections')
}

export function checkDisk(freeBytes: number | undefined): Finding[] {
  if (freeBytes === undefined) return []
  if (freeBytes >= FREE_BYTES) return [ok('disk', `${bytesWords(freeBytes)} free`)]
  return [trouble('disk', `${bytesWords(freeBytes)} free`, 'make room: PostgreSQL stops when its disk is full')]
}

export function checkClocks(processes: readonly RunningProcess[]): Finding[] {
  const living = processes.filter(isLiving)
  const wrong = living.filter(({ clockSkewMs }) => Math.abs(clockSkewMs) > SKEW_MS)
  if (wrong.length === 0) {
    const worst = Math.max(0, ...living.map(({ clockSkewMs }) => Math.abs(clockSkewMs)))
    return [ok('clocks', `${Math.round(worst)} ms apart from PostgreSQL, at most`)]
  }
  return wrong.map(({ name, clockSkewMs }) =>
    trouble(
      'clocks',
      `${name} is ${(clockSkewMs / 1000).toFixed(1)} s apart from PostgreSQL`,
      'mend its time synchronisation: tokens and dates of vaccination are judged by it'
    )
  )
}

export function checkProcesses(processes: readonly RunningProcess[]): Finding[] {
  const silent = processes.filter((process) => !isLiving(process))
  const roles = ['api', 'relay', 'worker'].map((role) => {
    const running = processes.filter((process) => isLiving(process) && process.roles.includes(role))
    if (running.length === 0)
      return trouble(`role ${role}`, 'no process runs it', `start one with --roles ${role}; nothing is lost meanwhile`)
    const each = running.map(({ name, startedAt }) => `${name} since ${moment(startedAt)}`)
    return ok(`role ${role}`, each.join(', '))
  })
  return [
    ...roles,
    ...silent.map(({ name, roles: had, seenAt }) =>
      note(
        'silent process',
        `${name} (${had.join(', ')}) was last heard of at ${moment(seenAt)}`,
        'it was killed or cut off; what it had is taken up by others when its leases end'
      )
    )
  ]
}

function isLiving({ seenSecondsAgo }: RunningProcess): boolean {
  return seenSecondsAgo < SILENT_SECONDS
}

export function checkCredentials(
  destinations: readonly Pick<Destination, 'name' | 'credentials'>[],
  now: Date
): Finding[] {
  return destinations.flatMap(({ name, credentials = [] }) =>
    credentials.map(({ what, expiresAt }) => {
      const days = Math.floor((expiresAt.getTime() - now.getTime()) / 86_400_000)
      const title = `${what} of ${name}`
      if (days >= EXPIRY_DAYS) return ok(title, `good until ${moment(expiresAt)}`)
      const text = days < 0 ? `ended at ${moment(expiresAt)}` : `ends at ${moment(expiresAt)}, in ${days} days`
      return trouble(title, text, 'get a new one, put it in place and restart the workers')
    })
  )
}

export function checkProgrammes({
  count,
  version,
  fault
}: {
  count: number
  version: string
  fault?: string
}): Finding[] {
  if (fault !== undefined)
    return [
      trouble(
        'programmes',
        `the last good set is in force: ${fault.split('\n', 1).join('')}`,
        'imms programmes status; mend the file'
      )
    ]
  return [ok('programmes', `${count} files in force, set ${version}`)]
}

/** `1.5 GB` */
export function bytesWords(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`
}
