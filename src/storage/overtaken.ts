// What was read before a lock was waited for no longer holds.

/** Thrown inside a transaction: it is rolled back and tried again, as for a serialization fault of PostgreSQL. */
export class Overtaken extends Error {
  /** serialization_failure */
  readonly code = '40001'

  constructor(what: string) {
    super(`${what} changed while its lock was waited for`)
    this.name = 'Overtaken'
  }
}
