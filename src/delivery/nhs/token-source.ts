// Bearer tokens of NHS England's API platform: a signed JWT is changed for an access token.
// Source: application-restricted REST APIs, signed JWT; section 4.1 of reference/nhs-immunisation-fhir-api.md.
import { createPrivateKey, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { DeliveryOutcome } from '../destination.js'
import { outcomeOfAnswer, outcomeOfFault } from '../transport/answer-outcome.js'
import { TransportFault, type HttpAnswer, type HttpTransport } from '../transport/http-transport.js'

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** The platform accepts no more than five minutes, by its own clock: one is left for clocks that differ. */
const ASSERTION_SECONDS = 240
/** Used to this part of its life: the rest is for clocks that differ and requests on their way. */
const USED_PART_OF_LIFE = 0.8
/** When the answer does not say how long a token lives. */
const ASSUMED_LIFE_SECONDS = 300

export type TokenSettings = {
  tokenUrl: string
  timeoutMs: number
  scope?: string
} & (SigningClient | SecretClient)

/** A client that signs a JWT: NHS England's API platform, SMART Backend Services, RFC 7523. */
export interface SigningClient {
  apiKey: string
  keyId: string
  privateKeyPem: string
  /** Left out: what NHS England's platform wants. */
  algorithm?: 'RS384' | 'RS512'
}

/** A client with a secret, sent as HTTP Basic (RFC 6749, 2.3.1). */
export interface SecretClient {
  clientId: string
  clientSecret: string
}

/** How a client proves who it is: headers and fields of the request for a token. */
type Proof = () => Promise<{ headers: Record<string, string>; fields: Record<string, string> }>

export type TokenResult =
  /** `goodForMs`: how much longer it may be used. */
  { kind: 'token'; token: string; goodForMs: number } | { kind: 'none'; outcome: DeliveryOutcome }

export interface TokenSource {
  /**
   * A token that is still good. `refused` is one that was just answered with 401: it is thrown away, and not a newer one
   * that another call fetched meanwhile. Calls at the same moment share one request, which no single caller can abort.
   */
  token(refused?: string): Promise<TokenResult>
}

/** @throws Error when the key is not a private key in PEM form */
export function createTokenSource(settings: TokenSettings, transport: HttpTransport, now: () => Date): TokenSource {
  const prove = 'clientSecret' in settings ? secretProof(settings) : signedProof(settings, now)
  let kept: { token: string; usedUntilMs: number } | undefined
  let pending: Promise<TokenResult> | undefined

  async function renew(): Promise<TokenResult> {
    const askedAtMs = now().getTime()
    const answer = await requestToken()
    if (answer instanceof TransportFault) return { kind: 'none', outcome: outcomeOfFault(answer, false) }
    const granted = answer.status === 200 ? readGrant(answer.text) : undefined
    if (granted === undefined) return { kind: 'none', outcome: outcomeOfRefusal(answer, now()) }
    kept = { token: granted.token, usedUntilMs: askedAtMs + granted.lifeSeconds * 1000 * USED_PART_OF_LIFE }
    return { kind: 'token', token: granted.token, goodForMs: kept.usedUntilMs - now().getTime() }
  }

  async function requestToken(): Promise<HttpAnswer | TransportFault> {
    const { headers, fields } = await prove()
    const scope = settings.scope === undefined ? {} : { scope: settings.scope }
    try {
      return await transport.send({
        method: 'POST',
        url: settings.tokenUrl,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json', ...headers },
        body: new URLSearchParams({ grant_type: 'client_credentials', ...fields, ...scope }).toString(),
        signal: AbortSignal.timeout(settings.timeoutMs)
      })
    } catch (error) {
      if (error instanceof TransportFault) return error
      throw error
    }
  }

  return {
    async token(refused) {
      if (kept?.token === refused) kept = undefined
      const goodForMs = kept === undefined ? 0 : kept.usedUntilMs - now().getTime()
      if (kept !== undefined && goodForMs > 0) return { kind: 'token', token: kept.token, goodForMs }
      pending ??= renew().finally(() => {
        pending = undefined
      })
      return pending
    }
  }
}

function signedProof(client: SigningClient & { tokenUrl: string }, now: () => Date): Proof {
  const privateKey = createPrivateKey(client.privateKeyPem)
  return async () => {
    const issuedAt = Math.floor(now().getTime() / 1000)
    const assertion = await new SignJWT()
      .setProtectedHeader({ alg: client.algorithm ?? 'RS512', typ: 'JWT', kid: client.keyId })
      .setIssuer(client.apiKey)
      .setSubject(client.apiKey)
      .setAudience(client.tokenUrl)
      .setJti(randomUUID())
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + ASSERTION_SECONDS)
      .sign(privateKey)
    return { headers: {}, fields: { client_assertion_type: ASSERTION_TYPE, client_assertion: assertion } }
  }
}

function secretProof({ clientId, clientSecret }: SecretClient): Proof {
  const pair = [clientId, clientSecret].map(encodeURIComponent).join(':')
  const headers = { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
  return () => Promise.resolve({ headers, fields: {} })
}

function readGrant(text: string): { token: string; lifeSeconds: number } | undefined {
  try {
    const { access_token: token, expires_in: life } = JSON.parse(text) as Record<string, unknown>
    // The platform writes expires_in as a string of digits.
    const lifeSeconds = Number(life ?? ASSUMED_LIFE_SECONDS)
    return typeof token === 'string' && token !== '' && lifeSeconds > 0 ? { token, lifeSeconds } : undefined
  } catch {
    return undefined
  }
}

// A token endpoint says "wrong key" with 400 as well as with 401 (RFC 6749, 5.2).
function outcomeOfRefusal(answer: HttpAnswer, now: Date): DeliveryOutcome {
  const status = answer.status === 400 ? 401 : answer.status
  const said = `no access token${oauthError(answer.text)}`
  if (answer.status === 200) return { kind: 'unavailable', ambiguous: false, status: 200, message: said }
  const outcome = outcomeOfAnswer({ status, retryAfter: answer.headers['retry-after'], said }, false, now)
  return outcome.kind === 'refused' ? { kind: 'credentials', status, message: outcome.message } : outcome
}

/** The registered error code only: a description could be anything. */
function oauthError(text: string): string {
  const code = /"error"\s*:\s*"([a-z_]{1,40})"/.exec(text)?.[1]
  return code === undefined ? '' : ` (${code})`
}
