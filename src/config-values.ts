// How one variable is read: text in, value out, and a fault that names the variable and says what it should be.

export const ROLES = ['api', 'relay', 'worker'] as const
export type Role = (typeof ROLES)[number]

export type LogLevel = (typeof LOG_LEVELS)[number]
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export type Environment = Readonly<Record<string, string | undefined>>

export function readRoles(text: string | undefined, faults: string[]): Set<Role> {
  if (text === undefined) return new Set(ROLES)
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !ROLES.some((role) => role === name))
  if (unknown.length > 0) faults.push(`ROLES: "${unknown.join(', ')}" is unknown; known are ${ROLES.join(', ')}`)
  return new Set(ROLES.filter((role) => names.includes(role)))
}

export function readHost(text: string | undefined, development: boolean, faults: string[]): string {
  if (text === undefined) return development ? '127.0.0.1' : '0.0.0.0'
  const isLoopback = text === '127.0.0.1' || text === '::1' || text === 'localhost'
  if (development && !isLoopback)
    faults.push(`HOST: "${text}" is not a loopback address; development mode (--dev) listens on 127.0.0.1 only`)
  return text
}

export function readLevel(text: string | undefined, faults: string[]): LogLevel {
  const level = LOG_LEVELS.find((known) => known === (text ?? 'info'))
  if (level === undefined) faults.push(`LOG_LEVEL: "${text ?? ''}" is unknown; known are ${LOG_LEVELS.join(', ')}`)
  return level ?? 'info'
}

export function readInteger(
  name: string,
  text: string | undefined,
  otherwise: number,
  from: number,
  to: number,
  faults: string[]
): number {
  if (text === undefined) return otherwise
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= from && value <= to)) faults.push(`${name}: "${text}" is not a whole number from ${from} to ${to}`)
  return value
}

// A URL may hold a password, so the fault never repeats it.
export function readUrl(
  name: string,
  environment: Environment,
  protocols: readonly string[],
  faults: string[]
): string | undefined {
  const text = environment[name]
  if (text === undefined) return undefined
  if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol))
    faults.push(
      `${name}: a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')} is expected`
    )
  return text
}

// What is added to a base URL would land behind a query, and fetch takes no URL with a password.
export function checkServiceUrl(name: string, text: string, faults: string[]): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.search === '' && url.hash === '' && url.username === '' && url.password === '')) return
  faults.push(`${name}: a base URL has no query, no fragment and no user name`)
}

export function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: Value })
}
