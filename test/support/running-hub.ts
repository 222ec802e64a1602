// The api role as services.ts starts it, listening on a port, on a database of the test's own.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import type { Test } from 'tap'
import { createDevelopmentIssuer, type TokenRequest } from '../../src/http/development-issuer.js'
import { startService } from '../../src/services.js'
import { createEmptyDatabase } from './test-database.js'

export interface RunningHub {
  /** http://127.0.0.1:41234 */
  url: string
  /** url and /FHIR/R4 */
  base: string
  /** An access token; unless said for a supplier who may do everything with FLU and COVID. */
  token(request?: Partial<TokenRequest>): Promise<string>
  /** Everything that was logged so far. */
  logged(): string
}

export async function startHub(t: Test): Promise<RunningHub> {
  const { connection } = await createEmptyDatabase(t)
  const folder = mkdtempSync(path.join(tmpdir(), 'imms-hub-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const now = (): Date => new Date()
  const issuer = await createDevelopmentIssuer({ keyFile: path.join(folder, 'key.json'), now })
  const lines: string[] = []
  const service = await startService({
    config: {
      development: true,
      roles: new Set(['api']),
      host: '127.0.0.1',
      port: 0,
      dataDir: folder,
      tokenUrl: 'https://auth.example/token',
      logLevel: 'info',
      bundleLimitBytes: 10_485_760,
      bodyLimitBytes: 1_048_576,
      databaseConnections: 8,
      shutdownTimeoutMs: 5000
    },
    connection,
    destinations: [],
    auth: { issuer: issuer.issuer, audience: issuer.audience, keys: { jwks: issuer.jwks } },
    log: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    now
  })
  t.teardown(() => service.close())
  const url = service.url ?? ''
  return {
    url,
    base: `${url}/FHIR/R4`,
    token: (request = {}) =>
      issuer.issueToken({
        client: 'marlowe-pharmacy',
        scopes: ['system/Immunization.cruds'],
        permissions: ['FLU.CRUDS', 'COVID.CRUDS'],
        ttlSeconds: 3600,
        ...request
      }),
    logged: () => lines.join('')
  }
}
