// The only reader of the environment. Every bad variable is named in one error.
import { defaultStateDir } from './embedded/default-state-dir.js'

export const ROLES = ['api', 'relay', 'worker'] as const
export type Role = (typeof ROLES)[number]

export interface Config {
  /** Loopback only, own signing key, sandbox destinations. */
  development: boolean
  roles: ReadonlySet<Role>
  host: string
  port: number
  /** Where callers reach the service (https://hub.example); the address it listens on unless said. */
  baseUrl?: string
  /** Undefined: the embedded PostgreSQL in `dataDir`. */
  databaseUrl?: string
  /** Undefined: BullMQ runs on PostgreSQL. */
  redisUrl?: string
  dataDir: string
  /** YAML file that names the destinations; undefined in development (the sandbox) or where nothing is delivered. */
  destinationsFile?: string
  /** Official FHIR packages (.tgz) whose definitions take the place of ours. */
  profilePackages?: readonly string[]
  /** Folder of programme files; undefined: those that come with the service. */
  programmesDir?: string
  auth?: { issuer: string; audience: string; jwksFile?: string; jwksUrl?: string }
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
  bodyLimitBytes: number
  databaseConnections: number
  shutdownTimeoutMs: number
}

/** Variables of the service, with what each means: the README's table is checked against this one. */
export const VARIABLES = {
  DATABASE_URL: 'PostgreSQL 15 or later, postgres://…; without it the service starts its own',
  REDIS_URL: 'Redis 7 or Valkey, redis://…; without it BullMQ runs on PostgreSQL',
  DATA_DIR: 'folder of the embedded PostgreSQL and the development key',
  HOST: 'address to listen on; in development only loopback',
  PORT: 'port to listen on, 0 for any free one; 8080 unless set',
  BASE_URL: 'where callers reach the service, https://…, for the links it gives; the address it listens on unless set',
  ROLES: 'comma list of api, relay, worker; all of them unless set',
  DESTINATIONS_FILE: 'YAML file that names the destinations',
  PROFILE_PACKAGES: 'comma list of official FHIR packages (.tgz) whose definitions take the place of ours',
  PROGRAMMES_DIR: 'folder of programme files, watched; those that come with the service unless set',
  AUTH_ISSUER: 'issuer (iss) whose tokens are accepted',
  AUTH_AUDIENCE: 'audience (aud) that tokens must name',
  AUTH_JWKS_FILE: "file with the issuer's public keys (JWKS)",
  AUTH_JWKS_URL: "address of the issuer's public keys (JWKS), instead of a file",
  LOG_LEVEL: 'trace, debug, info, warn, error, fatal or silent; info unless set',
  BODY_LIMIT_BYTES: 'largest request body; 1048576 unless set',
  DATABASE_CONNECTIONS: 'connections to PostgreSQL per process; 16 unless set',
  SHUTDOWN_TIMEOUT_MS: 'how long a stop waits for work in flight; 10000 unless set'
} as const

/** Variables of the command line tool only. */
export const CLI_VARIABLES = {
  IMMS_URL: 'base URL of the service',
  IMMS_TOKEN: 'bearer token with an ops scope',
  NO_COLOR: 'no colours, whatever the terminal'
} as const

type Environment = Readonly<Record<string, string | undefined>>

export class ConfigError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(
      `the configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n- ${faults.join('\n- ')}`
    )
    this.name = 'ConfigError'
  }
}

/**
 * Reads the configuration from the environment and the command line (`--dev`, `--roles api,worker`,
 * `--port 8080`, `--data-dir <folder>`), which wins.
 * @throws ConfigError naming every fault at once, each with what to do
 */
export function readConfig(
  argv: readonly string[] = process.argv.slice(2),
  environment: Environment = process.env
): Config {
  const faults: string[] = []
  const flags = readFlags(argv, faults)
  const development = flags.dev
  const roles = readRoles(flags.roles ?? environment['ROLES'], faults)
  const auth = readAuth(environment, development, roles, faults)
  const config: Config = {
    development,
    roles,
    host: readHost(environment['HOST'], development, faults),
    port: readInteger('PORT', flags.port ?? environment['PORT'], 8080, 0, 65535, faults),
    dataDir: stateDir(flags.dataDir === undefined ? environment : { ...environment, DATA_DIR: flags.dataDir }),
    logLevel: readLevel(environment['LOG_LEVEL'], faults),
    bodyLimitBytes: readInteger('BODY_LIMIT_BYTES', environment['BODY_LIMIT_BYTES'], 1_048_576, 1024, 64 << 20, faults),
    databaseConnections: readInteger('DATABASE_CONNECTIONS', environment['DATABASE_CONNECTIONS'], 16, 2, 500, faults),
    shutdownTimeoutMs: readInteger(
      'SHUTDOWN_TIMEOUT_MS',
      environment['SHUTDOWN_TIMEOUT_MS'],
      10_000,
      0,
      600_000,
      faults
    ),
    ...optional('databaseUrl', readUrl('DATABASE_URL', environment, ['postgres:', 'postgresql:'], faults)),
    ...optional('baseUrl', readUrl('BASE_URL', environment, ['https:', 'http:'], faults)),
    ...optional('redisUrl', readUrl('REDIS_URL', environment, ['redis:', 'rediss:', 'unix:'], faults)),
    ...optional('destinationsFile', environment['DESTINATIONS_FILE']),
    ...optional('profilePackages', readPackageList(environment)),
    ...optional('programmesDir', environment['PROGRAMMES_DIR']),
    ...optional('auth', auth)
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return config
}

/** Settings of the command line tool. `dataDir` is where a running development service leaves its address and token. */
export function readCliConfig(environment: Environment = process.env): {
  url?: string
  token?: string
  colour: boolean
  dataDir: string
  profilePackages?: readonly string[]
  programmesDir?: string
} {
  return {
    ...optional('programmesDir', environment['PROGRAMMES_DIR']),
    ...optional('url', environment['IMMS_URL']),
    ...optional('token', environment['IMMS_TOKEN']),
    ...optional('profilePackages', readPackageList(environment)),
    colour: environment['NO_COLOR'] === undefined,
    dataDir: stateDir(environment)
  }
}

function stateDir(environment: Environment): string {
  return defaultStateDir({
    uid: process.getuid?.(),
    dataDir: environment['DATA_DIR'],
    xdgStateHome: environment['XDG_STATE_HOME'],
    home: environment['HOME'],
    workingDir: process.cwd()
  })
}

interface Flags {
  dev: boolean
  dataDir?: string
  roles?: string
  port?: string
}

function readFlags(argv: readonly string[], faults: string[]): Flags {
  const flags: Flags = { dev: false }
  for (let index = 0; index < argv.length; index++) {
    const [name, inline] = (argv[index] ?? '').split('=', 2)
    if (name === '--dev') flags.dev = true
    else if (name === '--roles') flags.roles = inline ?? argv[++index] ?? ''
    else if (name === '--data-dir') flags.dataDir = inline ?? argv[++index] ?? ''
    else if (name === '--port') flags.port = inline ?? argv[++index] ?? ''
    else
      faults.push(
        `${argv[index] ?? ''}: unknown option; known are --dev, --roles api,relay,worker, --port 8080 and --data-dir <folder>`
      )
  }
  return flags
}

function readRoles(text: string | undefined, faults: string[]): Set<Role> {
  if (text === undefined) return new Set(ROLES)
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !ROLES.some((role) => role === name))
  if (unknown.length > 0) faults.push(`ROLES: "${unknown.join(', ')}" is unknown; known are ${ROLES.join(', ')}`)
  return new Set(ROLES.filter((role) => names.includes(role)))
}

function readHost(text: string | undefined, development: boolean, faults: string[]): string {
  if (text === undefined) return development ? '127.0.0.1' : '0.0.0.0'
  const isLoopback = text === '127.0.0.1' || text === '::1' || text === 'localhost'
  if (development && !isLoopback)
    faults.push(`HOST: "${text}" is not a loopback address; development mode (--dev) listens on 127.0.0.1 only`)
  return text
}

function readAuth(
  environment: Environment,
  development: boolean,
  roles: ReadonlySet<Role>,
  faults: string[]
): Config['auth'] {
  const issuer = environment['AUTH_ISSUER']
  const audience = environment['AUTH_AUDIENCE']
  const jwksFile = environment['AUTH_JWKS_FILE']
  const jwksUrl = environment['AUTH_JWKS_URL']
  const given = [issuer, audience, jwksFile ?? jwksUrl].filter((value) => value !== undefined).length
  if (given === 0 && (development || !roles.has('api'))) return undefined
  if (issuer === undefined || audience === undefined || given < 3) {
    faults.push(
      'AUTH_ISSUER, AUTH_AUDIENCE and AUTH_JWKS_FILE (or AUTH_JWKS_URL): all three are needed to check tokens; ' +
        'set them, or start with --dev for a development service on loopback'
    )
    return undefined
  }
  if (jwksFile !== undefined && jwksUrl !== undefined)
    faults.push('AUTH_JWKS_FILE and AUTH_JWKS_URL: set only one of them')
  return { issuer, audience, ...optional('jwksFile', jwksFile), ...optional('jwksUrl', jwksUrl) }
}

function readPackageList(environment: Environment): string[] | undefined {
  const text = environment['PROFILE_PACKAGES'] ?? ''
  const archives = text.split(',').map((name) => name.trim())
  return text === '' ? undefined : archives.filter((name) => name !== '')
}

function readLevel(text: string | undefined, faults: string[]): Config['logLevel'] {
  const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
  const level = levels.find((known) => known === (text ?? 'info'))
  if (level === undefined) faults.push(`LOG_LEVEL: "${text ?? ''}" is unknown; known are ${levels.join(', ')}`)
  return level ?? 'info'
}

function readInteger(
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
function readUrl(
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

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: Value })
}
