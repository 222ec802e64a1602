// The pool of connections to PostgreSQL: whichever server it is, the same types come back and no lost connection ends
// the process.
import pg from 'pg'
import type { Pool, PoolClient, PoolConfig } from 'pg'

export type { Pool, PoolClient } from 'pg'

/** By URL, or (the embedded server) by the folder of its Unix socket. */
export type DatabaseConnection = { connectionString: string } | { host: string; user: string; database: string }

export interface PoolOptions {
  /** Shown in pg_stat_activity. Default `immunisation-hub`. */
  applicationName?: string
  /** Default 10. */
  maxConnections?: number
  /** The server ends a statement after this time. Default: never. */
  statementTimeoutMs?: number
  /** Told of connections that were lost, idle or in use. Statements that were running reject on their own. */
  onError?: (error: Error) => void
}

/** Long enough for a busy server, short enough that a request is answered when there is none. */
const connectWithinMs = 10_000

export function createPool(connection: DatabaseConnection, options: PoolOptions = {}): Pool {
  const { applicationName = 'immunisation-hub', maxConnections = 10, statementTimeoutMs, onError } = options
  const pool = new pg.Pool({
    ...target(connection),
    application_name: applicationName,
    max: maxConnections,
    connectionTimeoutMillis: connectWithinMs,
    keepAlive: true,
    types: { getTypeParser },
    ...(statementTimeoutMs === undefined ? {} : { statement_timeout: statementTimeoutMs })
  })
  // Heard here too, or an idle client that is lost ends the process; it is reported by the client itself.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => {
    reportOnce(client, onError)
  })
  return pool
}

/** A client in use is on its own: unheard, its error ends the process. One loss gives several errors. */
function reportOnce(client: PoolClient, onError: PoolOptions['onError']): void {
  let isReported = false
  client.on('error', (error) => {
    if (!isReported) onError?.(error)
    isReported = true
  })
}

function target(connection: DatabaseConnection): PoolConfig {
  if ('connectionString' in connection) return connection
  // Said outright, because pg falls back to PGPORT and PGSSLMODE of the environment.
  return { ...connection, port: 5432, ssl: false }
}

type TypeParser = (text: string) => unknown
/** Its declaration knows the types without arrays, and gives any. */
const defaultParser = pg.types.getTypeParser as (id: number, format?: string) => TypeParser
/** text[]: takes any array apart and leaves its elements as text. */
const parseArray = defaultParser(1009) as (text: string) => (string | null)[]

/** By object id (pg_type.dat): they are the same in every PostgreSQL. */
const parsers = new Map<number, TypeParser>([
  [20, parseBigint], // bigint
  [1016, (text) => parseArray(text).map((item) => (item === null ? null : parseBigint(item)))], // bigint[]
  [1082, (text) => text], // date: a calendar day has no time zone, so it is no Date
  [1182, parseArray] // date[]
])

function getTypeParser(id: number, format?: string): TypeParser {
  return (format === 'binary' ? undefined : parsers.get(id)) ?? defaultParser(id, format)
}

/** Counts and sequences as numbers. @throws RangeError beyond 2^53, where a number would be another one */
function parseBigint(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} is beyond what a number holds exactly`)
  return value
}
