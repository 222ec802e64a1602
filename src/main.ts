// The service: reads the configuration, starts the roles it names, says where it is, and stops on SIGTERM or SIGINT.
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { PACKAGE_ROOT } from './catalogues.js'
import { readConfig, type Config } from './config.js'
import { readDestinationsFile, type DestinationEntry } from './destinations.js'
import { ALL_PERMISSIONS, openIssuer, removeServiceNote, writeServiceNote, type ServiceNote } from './development.js'
import { openEmbeddedDatabase } from './embedded-database.js'
import { ALL_SCOPES } from './fhir/caller.js'
import type { DevelopmentIssuer } from './http/development-issuer.js'
import { createLog, type Log } from './log.js'
import { createReleaseStack, type ReleaseStack } from './release-stack.js'
import { developmentDestinations } from './sandbox/destinations.js'
import type { SandboxSeed } from './sandbox/handler.js'
import { forkSandbox } from './sandbox/process.js'
import type { ServiceOptions } from './service-parts.js'
import { startService } from './services.js'
import { readVerifierKeys } from './verifier-keys.js'

const TOKEN_SECONDS = 30 * 24 * 3600

try {
  const config = readConfig()
  const log = createLog(config.logLevel, config.development)
  const stack = createReleaseStack((part, error) => {
    log.error({ err: error, part }, 'service.release_failed')
  })
  const stop = stopOnSignals(stack, log)
  try {
    await start(config, log, stack, stop)
  } catch (error) {
    await stack.release()
    throw error
  }
} catch (error) {
  process.stderr.write(`${explainFault(error)}\n`)
  process.exit(1)
}

async function start(config: Config, log: Log, stack: ReleaseStack, stop: Stop): Promise<void> {
  const connection =
    config.databaseUrl === undefined
      ? await openOwnDatabase(config, log, stack)
      : { connectionString: config.databaseUrl }
  const sandboxUrl = { value: '' }
  const destinations = await chooseDestinations(config, stack, (url) => (sandboxUrl.value = url))
  const issuer = config.development && config.auth === undefined ? await openIssuer(config.dataDir) : undefined
  const auth = await chooseAuth(config, issuer)
  const service = await startService({
    config: withTerminology(config, sandboxUrl.value),
    connection,
    destinations,
    log,
    ...(auth === undefined ? {} : { auth })
  })
  stack.add('service', service, () => service.close())
  const hadTerminal = process.stdout.isTTY
  process.on('SIGHUP', () => {
    // A closed terminal sends the same signal as somebody who wants the programme files read again.
    if (hadTerminal && !hasTerminal()) stop('SIGHUP')
    else void service.reload()
  })
  if (service.url === undefined) {
    process.stdout.write(`Immunisation Hub is running as ${[...config.roles].join(', ')}\n`)
    return
  }
  const at = { url: service.url, sandboxUrl: sandboxUrl.value }
  const welcome = issuer === undefined ? '' : await introduce(config, issuer, at, stack)
  process.stdout.write(`Immunisation Hub listening on ${service.url}\n${welcome}`)
}

/** `sandbox` becomes the address of the terminology server that the sandbox plays. */
function withTerminology(config: Config, sandboxUrl: string): Config {
  if (config.terminology?.url !== 'sandbox') return config
  if (sandboxUrl === '') throw new Error('TERMINOLOGY_URL: there is no sandbox where DESTINATIONS_FILE is set')
  return { ...config, terminology: { ...config.terminology, url: `${sandboxUrl}/terminology/fhir` } }
}

async function openOwnDatabase(config: Config, log: Log, stack: ReleaseStack): Promise<ServiceOptions['connection']> {
  const database = await openEmbeddedDatabase(config.dataDir, log)
  stack.add('embedded PostgreSQL', database, () => database.close())
  process.stdout.write(
    `Embedded PostgreSQL keeps its data in ${config.dataDir}; it is for evaluation and development, production sets DATABASE_URL\n`
  )
  return database.connection
}

async function chooseDestinations(
  config: Config,
  stack: ReleaseStack,
  onSandbox: (url: string) => void
): Promise<DestinationEntry[]> {
  if (config.destinationsFile !== undefined) return readDestinationsFile(config.destinationsFile)
  if (!config.development) return []
  const sandbox = await forkSandbox({ seed: await readSeed() })
  stack.add('sandbox', sandbox, () => sandbox.close())
  onSandbox(sandbox.url)
  return developmentDestinations(sandbox.url, sandbox.keys)
}

/** The synthetic patients of the fixtures, known to the eligibility store of the sandbox. */
async function readSeed(): Promise<SandboxSeed> {
  const text = await readFile(new URL('fixtures/patients.json', PACKAGE_ROOT), 'utf8')
  const patients = JSON.parse(text) as { nhsNumber: string }[]
  return { persons: patients.map(({ nhsNumber }) => nhsNumber) }
}

async function chooseAuth(config: Config, issuer: DevelopmentIssuer | undefined): Promise<ServiceOptions['auth']> {
  if (issuer !== undefined) return { issuer: issuer.issuer, audience: issuer.audience, keys: { jwks: issuer.jwks } }
  if (config.auth === undefined) return undefined
  return { issuer: config.auth.issuer, audience: config.auth.audience, keys: await readVerifierKeys(config.auth) }
}

/** Leaves the note for the command line tool, and gives the words for a newcomer. */
async function introduce(
  config: Config,
  issuer: DevelopmentIssuer,
  at: Omit<ServiceNote, 'token'>,
  stack: ReleaseStack
): Promise<string> {
  const token = await issuer.issueToken({
    client: 'developer',
    scopes: ALL_SCOPES,
    permissions: ALL_PERMISSIONS,
    ttlSeconds: TOKEN_SECONDS
  })
  await writeServiceNote(config.dataDir, { ...at, token })
  stack.add('service note', config.dataDir, removeServiceNote)
  return [
    '',
    'Development mode: this machine only, own signing key, sandbox destinations. A token for client "developer":',
    token,
    '',
    'Post an Immunization (again for the answer to a resend):',
    `curl -i ${at.url}/FHIR/R4/Immunization -H 'Content-Type: application/fhir+json' \\`,
    `  -H 'Authorization: Bearer ${token}' \\`,
    '  --data-binary @fixtures/immunization/valid/flu-pharmacy-older-adult.json',
    '',
    `Read and try it:     ${at.url}/docs`,
    'See it arrive:       npm run imms -- status',
    'Another client:      npm run imms -- token --client my-pharmacy',
    'Stop:                Ctrl-C',
    ''
  ].join('\n')
}

type Stop = (signal: string) => void

function stopOnSignals(stack: ReleaseStack, log: Log): Stop {
  let stopping = false
  const stop: Stop = (signal) => {
    // A second Ctrl-C of somebody who will not wait.
    if (stopping) process.exit(1)
    stopping = true
    log.info({ signal }, 'service.stopping')
    void stack.release().then(() => {
      log.flush()
      process.exit(process.exitCode ?? 0)
    })
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error: unknown) => {
      log.fatal({ err: error }, `service.${event}`)
      process.exitCode = 1
      stop(event)
    })
  return stop
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}

function explainFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'EADDRINUSE')
    return 'PORT: another program listens there already; set PORT to another one, or stop that program'
  if ('code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOTFOUND'))
    return 'DATABASE_URL: PostgreSQL does not answer there; check the address and that it runs'
  return error.message
}
