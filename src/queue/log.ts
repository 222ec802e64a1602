// What queue, worker and delivery write their lines to; a pino Logger is one.
export interface Log {
  info(fields: object, line: string): void
  warn(fields: object, line: string): void
  /** Somebody must look. */
  error(fields: object, line: string): void
}
