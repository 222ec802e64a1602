// Tokens for development: the service is its own issuer, with a key kept in a file that only its account can read.
import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose'
import type { JSONWebKeySet, JWK } from 'jose'
import { uuidv7 } from 'uuidv7'

export const DEVELOPMENT_ISSUER = 'immunisation-hub-development'

export interface TokenRequest {
  client: string
  /** `system/Immunization.cruds`, `ops/read` … */
  scopes: readonly string[]
  /** `FLU.CRUDS` … */
  permissions: readonly string[]
  ttlSeconds: number
  /** What a POST of a known identifier with other content means; refused (409) unless said. */
  changedResend?: 'conflict' | 'correct'
  /** Empty objects, arrays and nulls are cut out rather than refused. */
  tolerant?: boolean
  /** Reasons that records may give against an error of the programme rules: `offLabelPGD` … */
  overrides?: readonly string[]
  /** May move records to another patient. */
  patientCorrections?: boolean
  /** What a register elsewhere holds of its patients is looked up. */
  existingRecords?: boolean
}

export interface DevelopmentIssuer {
  /** What a token verifier must expect. */
  issuer: string
  audience: string
  jwks: JSONWebKeySet
  issueToken(request: TokenRequest): Promise<string>
}

/**
 * Makes an ES256 key pair, or takes the one in `keyFile` (mode 0600). Several processes may start at the same moment:
 * all end up with the same key.
 */
export async function createDevelopmentIssuer(options: {
  keyFile: string
  now: () => Date
}): Promise<DevelopmentIssuer> {
  const jwk = (await readKey(options.keyFile)) ?? (await makeKey(options.keyFile))
  const key = await importJWK(jwk, 'ES256')
  const kid = await calculateJwkThumbprint(jwk)
  return {
    issuer: DEVELOPMENT_ISSUER,
    audience: DEVELOPMENT_ISSUER,
    jwks: { keys: [{ ...publicPart(jwk), kid, alg: 'ES256', use: 'sig' }] },
    issueToken({ client, scopes, permissions, ttlSeconds, changedResend, tolerant, overrides, ...settings }) {
      const { patientCorrections, existingRecords } = settings
      const issuedAt = Math.floor(options.now().getTime() / 1000)
      return new SignJWT({
        scope: scopes.join(' '),
        permissions: [...permissions],
        ...(changedResend === undefined ? {} : { changed_resend: changedResend }),
        ...(tolerant === undefined ? {} : { tolerant }),
        ...(overrides === undefined ? {} : { overrides: [...overrides] }),
        ...(existingRecords === undefined ? {} : { existing_records: existingRecords }),
        ...(patientCorrections === undefined ? {} : { patient_corrections: patientCorrections })
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
        .setIssuer(DEVELOPMENT_ISSUER)
        .setAudience(DEVELOPMENT_ISSUER)
        .setSubject(client)
        .setJti(uuidv7())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ttlSeconds)
        .sign(key)
    }
  }
}

function publicPart({ kty, crv, x, y }: JWK): JWK {
  return { ...(kty && { kty }), ...(crv && { crv }), ...(x && { x }), ...(y && { y }) }
}

async function readKey(keyFile: string): Promise<JWK | undefined> {
  let text: string
  try {
    text = await readFile(keyFile, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  try {
    const jwk = JSON.parse(text) as JWK
    if (jwk.kty === 'EC' && jwk.d !== undefined) return jwk
  } catch {
    // Told below, like any other file that holds no key.
  }
  throw new Error(`${keyFile} does not hold a development key; remove it, and a new one is made`)
}

// Linked into place only once it is written whole: whoever comes second takes the key of the first.
async function makeKey(keyFile: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  await mkdir(path.dirname(keyFile), { recursive: true, mode: 0o700 })
  const draft = `${keyFile}.${randomUUID()}`
  await writeFile(draft, JSON.stringify(await exportJWK(privateKey)), { mode: 0o600, flag: 'wx' })
  try {
    await link(draft, keyFile)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    await rm(draft)
  }
  const kept = await readKey(keyFile)
  if (kept === undefined) throw new Error(`${keyFile} was removed while it was made`)
  return kept
}
