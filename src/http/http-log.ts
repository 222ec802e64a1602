// The log as the door sees it; pino fits.

export interface HttpLog {
  info(fields: object, message: string): void
  error(fields: object, message: string): void
}
