// The HTTP door of production with use cases handed in by the test, and callers to knock.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Test } from 'tap'
import { createCursors } from '../../src/history/cursor.js'
import { createDevelopmentIssuer, type TokenRequest } from '../../src/http/development-issuer.js'
import { createHttpServer, type HttpServer, type HttpServerDeps } from '../../src/http/server.js'
import { createTokenVerifier } from '../../src/http/token-verifier.js'
import type { History } from '../../src/history/history.js'
import type { ImmunizationStatus } from '../../src/history/immunization-status.js'
import type { Preview } from '../../src/ingest/preview.js'
import type { Ingest } from '../../src/ingest/submission.js'

export const NOW = new Date('2026-11-02T09:00:00.000Z')

export const CAPABILITY: HttpServerDeps['capability'] = {
  softwareVersion: '1.2.3',
  date: NOW,
  experimental: true,
  ruleSet: () => 'programme rules of the test',
  profiles: []
}

export interface LogLine {
  level: 'info' | 'error'
  message: string
  fields: Record<string, unknown>
}

export interface OpenDoor {
  server: HttpServer
  lines: LogLine[]
  /** The value of an Authorization header. */
  bearer(request?: Partial<TokenRequest>): Promise<string>
}

export async function openDoor(t: Test, deps: Partial<HttpServerDeps> = {}): Promise<OpenDoor> {
  const folder = mkdtempSync(path.join(tmpdir(), 'imms-key-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const keyFile = path.join(folder, 'development-key.json')
  const issuer = await createDevelopmentIssuer({ keyFile, now: () => NOW })
  const lines: LogLine[] = []
  const note = (level: LogLine['level']) => (fields: object, message: string) =>
    void lines.push({ level, message, fields: { ...fields } })
  const server = createHttpServer({
    ingest: notAsked<Ingest>('ingest'),
    preview: notAsked<Preview>('preview'),
    history: notAsked<History>('history'),
    status: notAsked<ImmunizationStatus>('status'),
    rules: { programmeFiles: [] },
    verifyToken: createTokenVerifier({ ...issuer, keys: { jwks: issuer.jwks }, now: () => NOW }),
    health: () => Promise.resolve({ ready: true, checks: [{ name: 'database', ok: true }] }),
    capability: CAPABILITY,
    served: [],
    cursors: createCursors(randomBytes(32)),
    smart: {
      issuer: issuer.issuer,
      tokenEndpoint: 'https://issuer.test/token',
      jwksUri: 'https://issuer.test/keys'
    },
    metrics: () => Promise.resolve('imms_programmes 1\n'),
    limits: { bodyBytes: 1_048_576 },
    bundles: notAsked<HttpServerDeps['bundles']>('bundles'),
    log: { info: note('info'), error: note('error') },
    now: () => NOW,
    baseUrl: 'https://hub.test',
    ...deps
  })
  t.teardown(() => server.close())
  return {
    server,
    lines,
    async bearer(request = {}) {
      const token = await issuer.issueToken({
        client: 'sandwell-pharmacy',
        scopes: ['system/Immunization.cruds'],
        permissions: ['FLU.CRUDS', 'COVID.CRUDS'],
        ttlSeconds: 300,
        ...request
      })
      return `Bearer ${token}`
    }
  }
}

/** A use case that this test has no business with. */
export function notAsked<Part extends object>(name: string): Part {
  return new Proxy({} as Part, {
    get() {
      throw new Error(`${name} was asked`)
    }
  })
}
