// The only reader of the environment. Every bad variable is named in one error.
import { defaultStateDir } from './embedded/default-state-dir.js'
import {
  checkServiceUrl,
  type Environment,
  type LogLevel,
  optional,
  readHost,
  readInteger,
  readLevel,
  readRoles,
  readUrl,
  type Role
} from './config-values.js'

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
  /** Where clients get tokens. */
  tokenUrl?: string
  /** Undefined: codes that cannot be judged here are left at that. */
  terminology?: TerminologyConfig
  logLevel: LogLevel
  bodyLimitBytes: number
  bundleLimitBytes: number
  databaseConnections: number
  shutdownTimeoutMs: number
}

/** `url`: without a slash at its end; `sandbox` in development is the one the sandbox plays. */
export interface TerminologyConfig {
  url: string
  token?: string
  timeoutMs: number
}

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
  const whole = (name: string, text: string | undefined, otherwise: number, from: number, to: number): number =>
    readInteger(name, text, otherwise, from, to, faults)
  const config: Config = {
    development,
    roles,
    host: readHost(environment['HOST'], development, faults),
    port: whole('PORT', flags.port ?? environment['PORT'], 8080, 0, 65535),
    dataDir: stateDir(flags.dataDir === undefined ? environment : { ...environment, DATA_DIR: flags.dataDir }),
    logLevel: readLevel(environment['LOG_LEVEL'], faults),
    bodyLimitBytes: whole('BODY_LIMIT_BYTES', environment['BODY_LIMIT_BYTES'], 1_048_576, 1024, 64 << 20),
    bundleLimitBytes: whole('BUNDLE_LIMIT_BYTES', environment['BUNDLE_LIMIT_BYTES'], 10_485_760, 1024, 64 << 20),
    databaseConnections: whole('DATABASE_CONNECTIONS', environment['DATABASE_CONNECTIONS'], 16, 2, 500),
    shutdownTimeoutMs: whole('SHUTDOWN_TIMEOUT_MS', environment['SHUTDOWN_TIMEOUT_MS'], 10_000, 0, 600_000),
    ...optional('databaseUrl', readUrl('DATABASE_URL', environment, ['postgres:', 'postgresql:'], faults)),
    ...optional('baseUrl', readUrl('BASE_URL', environment, ['https:', 'http:'], faults)),
    ...optional('redisUrl', readUrl('REDIS_URL', environment, ['redis:', 'rediss:', 'unix:'], faults)),
    ...optional('destinationsFile', environment['DESTINATIONS_FILE']),
    ...optional('profilePackages', readPackageList(environment)),
    ...optional('tokenUrl', readUrl('AUTH_TOKEN_URL', environment, ['https:', 'http:'], faults)),
    ...optional('programmesDir', environment['PROGRAMMES_DIR']),
    ...optional('auth', readAuth(environment, development, roles, faults)),
    ...optional('terminology', readTerminology(environment, development, faults))
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

function readTerminology(
  environment: Environment,
  development: boolean,
  faults: string[]
): TerminologyConfig | undefined {
  const timeoutMs = readInteger(
    'TERMINOLOGY_TIMEOUT_MS',
    environment['TERMINOLOGY_TIMEOUT_MS'],
    5_000,
    100,
    60_000,
    faults
  )
  const token = environment['TERMINOLOGY_TOKEN']
  if (environment['TERMINOLOGY_URL'] === 'sandbox' && development) return { url: 'sandbox', timeoutMs }
  const url = readUrl('TERMINOLOGY_URL', environment, ['https:', 'http:'], faults)
  if (url === undefined) {
    if (token !== undefined) faults.push('TERMINOLOGY_TOKEN: set TERMINOLOGY_URL too, or take the token away')
    return undefined
  }
  checkServiceUrl('TERMINOLOGY_URL', url, faults)
  if (token !== undefined && !/^[!-~]+$/.test(token))
    faults.push('TERMINOLOGY_TOKEN: a bearer token is visible ASCII without spaces')
  return { url: url.replace(/\/+$/, ''), timeoutMs, ...optional('token', token) }
}

function readPackageList(environment: Environment): string[] | undefined {
  const text = environment['PROFILE_PACKAGES'] ?? ''
  const archives = text.split(',').map((name) => name.trim())
  return text === '' ? undefined : archives.filter((name) => name !== '')
}
