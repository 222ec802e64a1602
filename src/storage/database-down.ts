// Telling "PostgreSQL cannot be had just now" from a fault of ours: the first is answered 503, to be tried again.

/**
 * Class 08 and 57P0x: connection lost, server shutting down or starting; 53xxx: no disk, memory or connection left;
 * 25006: a standby, as before the end of a failover. https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const DOWN_STATES = /^(?:08...|57P0[1-4]|53[0-3]00|25006)$/
const DOWN_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ENOTFOUND', 'ETIMEDOUT', 'EAI_AGAIN'])
/** Errors of node-postgres that carry no code; texts of pg 8.23 and pg-pool 3.x. */
const DOWN_MESSAGES =
  /^(?:Connection terminated|timeout exceeded when trying|Cannot use a pool after|Client .* not queryable$)/

/** True for an error that says the database is not there at the moment, or takes nothing. */
export function isDatabaseDown(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // Several addresses tried, each with its own error.
  if (error instanceof AggregateError && error.errors.some(isDatabaseDown)) return true
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return DOWN_STATES.test(code) || DOWN_CODES.has(code) || DOWN_MESSAGES.test(error.message)
}
