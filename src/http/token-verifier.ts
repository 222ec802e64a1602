// Access tokens: JWTs of one issuer for this service. Source of the rules: RFC 7519, RFC 8725, RFC 9068.
import { createHash } from 'node:crypto'
import { createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify } from 'jose'
import type { JSONWebKeySet, JWSAlgorithm, JWTPayload, JWTVerifyGetKey } from 'jose'
import { parseOverrides, parsePermissions, parseScopes, type Caller } from '../fhir/caller.js'
import type { FhirError } from '../fhir/operation-outcome.js'
import { doorFault } from './door-fault.js'

/** The key set itself, or where it is published. */
export type VerifierKeys = { jwks: JSONWebKeySet } | { url: URL }

export interface TokenVerifierOptions {
  /** Expected `iss`. */
  issuer: string
  /** Expected in `aud`. */
  audience: string
  keys: VerifierKeys
  now: () => Date
}

/**
 * Who sends this token: `sub` is the client, `scope` its scopes, `permissions` a list such as `["FLU.CRUDS"]`,
 * `changed_resend` may be `correct`, `tolerant` and `patient_corrections` may be true, `overrides` a list such as
 * `["offLabelPGD"]`, `organisation` an ODS code.
 * @throws FhirError 401 for a token that is not accepted, 503 while the issuer's keys cannot be had
 */
export type VerifyToken = (token: string) => Promise<Caller>

/** Asymmetric only: with a shared secret whoever checks could also issue, and HS256 invites key confusion. */
const ALGORITHMS: JWSAlgorithm[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA'
]
const CLOCK_TOLERANCE_SECONDS = 10
const MAX_TOKEN_LENGTH = 8192
/** A signature costs about a tenth of a millisecond; a known token costs nothing until it expires, or this long. */
const REMEMBER_MS = 5 * 60_000
const REMEMBERED_TOKENS = 2000
/** How long the last key set is good for while the issuer does not answer. */
const KEEP_KEYS_MS = 24 * 3_600_000

export function createTokenVerifier({ issuer, audience, keys, now }: TokenVerifierOptions): VerifyToken {
  const getKey = 'jwks' in keys ? createLocalJWKSet(keys.jwks) : createPublishedKeys(keys.url, now)
  const known = new Map<string, { caller: Caller; until: number }>()

  return async (token) => {
    if (token.length > MAX_TOKEN_LENGTH) throw refusedToken('it is too long')
    const digest = createHash('sha256').update(token).digest('base64')
    const remembered = known.get(digest)
    known.delete(digest)
    if (remembered !== undefined && remembered.until > now().getTime()) {
      // Last in the map again: the first is always the one used longest ago.
      known.set(digest, remembered)
      return remembered.caller
    }
    const payload = await verify(token, getKey, { issuer, audience, now: now() })
    const caller = toCaller(payload)
    const until = Math.min((payload.exp ?? 0) * 1000, now().getTime() + REMEMBER_MS)
    known.set(digest, { caller, until })
    if (known.size > REMEMBERED_TOKENS) known.delete(known.keys().next().value ?? '')
    return caller
  }
}

async function verify(
  token: string,
  getKey: JWTVerifyGetKey,
  expected: { issuer: string; audience: string; now: Date }
): Promise<JWTPayload> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, getKey, {
      issuer: expected.issuer,
      audience: expected.audience,
      algorithms: ALGORITHMS,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: expected.now
    })
    const type = protectedHeader.typ?.toLowerCase().replace(/^application\//, '')
    if (type !== undefined && type !== 'jwt' && type !== 'at+jwt') throw refusedToken('it is not an access token (typ)')
    return payload
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw refusedToken('it has expired; get a new one', error)
    if (error instanceof errors.JWTClaimValidationFailed)
      throw refusedToken(`its claim ${error.claim} is missing or not the one expected here`, error)
    if (isTokenFault(error)) throw refusedToken('its signature, algorithm or key is not accepted here', error)
    if (error instanceof errors.JOSEError || error instanceof TypeError) throw keysUnavailable(error)
    throw error
  }
}

function isTokenFault(error: unknown): boolean {
  return [
    errors.JOSEAlgNotAllowed,
    errors.JOSENotSupported,
    errors.JWSInvalid,
    errors.JWTInvalid,
    errors.JWSSignatureVerificationFailed,
    errors.JWKSNoMatchingKey,
    errors.JWKSMultipleMatchingKeys
  ].some((kind) => error instanceof kind)
}

/** What is no code says nothing of an organisation. */
const ODS_CODE = /^[A-Za-z0-9]{3,12}$/

function toCaller(payload: JWTPayload): Caller {
  const { sub = '', scope, permissions, organisation, changed_resend: changedResend } = payload
  if (!/^[\x21-\x7e]{1,128}$/.test(sub)) throw refusedToken('its claim sub is not a client name')
  const overrides = parseOverrides(textsOf(payload['overrides']))
  return {
    client: sub,
    scopes: parseScopes(typeof scope === 'string' ? scope : ''),
    permissions: parsePermissions(textsOf(permissions)),
    changedResend: changedResend === 'correct' ? 'correct' : 'conflict',
    ...(payload['tolerant'] === true ? { tolerant: true } : {}),
    ...(typeof organisation === 'string' && ODS_CODE.test(organisation)
      ? { organisation: organisation.toUpperCase() }
      : {}),
    ...(overrides.size > 0 ? { overrides } : {}),
    ...(payload['patient_corrections'] === true ? { patientCorrections: true } : {}),
    ...(payload['existing_records'] === true ? { existingRecords: true } : {})
  }
}

function textsOf(claim: unknown): string[] {
  return Array.isArray(claim) ? claim.filter((entry): entry is string => typeof entry === 'string') : []
}

// Fetched when needed and looked up again for an unknown key id, at most once a minute; redirects are not followed.
function createPublishedKeys(url: URL, now: () => Date): JWTVerifyGetKey {
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url.protocol !== 'https:' && !loopback)
    throw new Error("the address of the issuer's keys must begin with https://")
  const published = createRemoteJWKSet(url, { timeoutDuration: 5000, cooldownDuration: 60_000 })
  let goodUntil = 0
  return async (header, token) => {
    try {
      const key = await published(header, token)
      if (published.fresh) goodUntil = now().getTime() + KEEP_KEYS_MS
      return key
    } catch (error) {
      const last = published.jwks()
      if (isTokenFault(error) || last === undefined || now().getTime() > goodUntil) throw error
      return createLocalJWKSet(last)(header, token)
    }
  }
}

function refusedToken(why: string, cause?: unknown): FhirError {
  const challenge = `Bearer realm="immunisation-hub", error="invalid_token", error_description="${why}"`
  return doorFault(
    401,
    'login',
    'token-refused',
    `the bearer token is not accepted: ${why}`,
    { 'WWW-Authenticate': challenge },
    { cause }
  )
}

// Fail closed: without keys nobody is let in.
function keysUnavailable(cause: unknown): FhirError {
  const text = "tokens cannot be checked at the moment, because the issuer's keys cannot be had; try again"
  return doorFault(503, 'transient', 'issuer-unavailable', text, { 'Retry-After': '10' }, { cause })
}
