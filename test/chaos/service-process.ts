// The built service as dist/main.js starts it in production, with other waits: node --import tsx service-process.ts
// <policy as JSON> --roles worker. The only thing that a campaign changes in the service.
import type * as configFile from '../../src/config.js'
import type { DeliveryPolicy } from '../../src/delivery/policy.js'
import type * as destinationsFile from '../../src/destinations.js'
import type * as logFile from '../../src/log.js'
import type * as servicesFile from '../../src/services.js'
import type * as keysFile from '../../src/verifier-keys.js'

const built = (file: string): string => new URL(`../../dist/${file}`, import.meta.url).href
const { readConfig } = (await import(built('config.js'))) as typeof configFile
const { createLog } = (await import(built('log.js'))) as typeof logFile
const { readDestinationsFile } = (await import(built('destinations.js'))) as typeof destinationsFile
const { startService } = (await import(built('services.js'))) as typeof servicesFile
const { readVerifierKeys } = (await import(built('verifier-keys.js'))) as typeof keysFile

const [policy = '', ...args] = process.argv.slice(2)
const config = readConfig(args)
const log = createLog(config.logLevel)
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (error: unknown) => {
    log.fatal({ err: error }, `service.${event}`)
    log.flush()
    process.exit(1)
  })

const service = await startService({
  config,
  connection: { connectionString: config.databaseUrl ?? '' },
  destinations: await readDestinationsFile(config.destinationsFile ?? ''),
  policy: JSON.parse(policy) as DeliveryPolicy,
  log,
  ...(config.auth === undefined
    ? {}
    : {
        auth: {
          issuer: config.auth.issuer,
          audience: config.auth.audience,
          keys: await readVerifierKeys(config.auth)
        }
      })
}).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})
process.once('SIGTERM', () => {
  void service.close().then(() => {
    log.flush()
    process.exit(0)
  })
})
process.stdout.write(`running as ${[...config.roles].join(', ')}\n`)
