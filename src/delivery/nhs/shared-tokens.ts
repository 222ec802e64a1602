// One access token for all workers of a fleet. Whoever needs one first gets it from the platform, the others find it in
// PostgreSQL: a row with a short lease, because an advisory lock would hold a connection for as long as the platform takes to
// answer, and because a token must outlive whoever fetched it. It is sealed by a key that follows from the private key
// of the application: whoever can open it could as well ask for one.
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { AccessTokenStore } from '../../storage/access-token-store.js'
import type { TokenResult, TokenSource } from './token-source.js'

/** Between two looks while another worker gets the token. */
const LOOK_AGAIN_MS = 50

export interface SharingSettings {
  tokenUrl: string
  apiKey: string
  keyId: string
  privateKeyPem: string
  /** How long the platform may take to answer. */
  timeoutMs: number
}

interface Kept {
  token: string
  version: number
  usedUntilMs: number
}

/** `own` asks the platform. A database that is away is no reason to have no token: then this worker gets its own. */
export function shareTokens(
  own: TokenSource,
  store: AccessTokenStore,
  settings: SharingSettings,
  now: () => Date
): TokenSource {
  const { tokenUrl, apiKey, keyId, privateKeyPem, timeoutMs } = settings
  // Another key, application or platform is another token.
  const name = createHash('sha256').update([tokenUrl, apiKey, keyId, privateKeyPem].join('\u0000')).digest('hex')
  const key = new Uint8Array(hkdfSync('sha256', privateKeyPem, name, 'access token', 32))
  let kept: Kept | undefined
  let last: string | undefined
  let pending: Promise<TokenResult> | undefined

  const renew = async (): Promise<TokenResult> => {
    // Of its own earlier tokens none is wanted: the fleet has gone on since.
    const result = await own.token(last)
    if (result.kind === 'none') {
      await store.giveUp(name)
      return result
    }
    last = result.token
    const version = await store.keep(name, seal(result.token, key), result.goodForMs)
    kept = { token: result.token, version, usedUntilMs: now().getTime() + result.goodForMs }
    return result
  }

  const fetchShared = async (refusedVersion: number | undefined): Promise<TokenResult> => {
    const startedAt = performance.now()
    while (performance.now() - startedAt < 2 * timeoutMs) {
      const taken = await store.take(name, refusedVersion, timeoutMs)
      if (taken.kind === 'renew') return await renew()
      if (taken.kind === 'wait') {
        await delay(LOOK_AGAIN_MS)
        continue
      }
      const { version, goodForMs } = taken
      const token = open(taken.sealed, key)
      kept = { token, version, usedUntilMs: now().getTime() + goodForMs }
      return { kind: 'token', token, goodForMs }
    }
    const message = 'another worker has been getting an access token for too long'
    return { kind: 'none', outcome: { kind: 'unavailable', ambiguous: false, message } }
  }

  const fetchToken = async (refusedVersion: number | undefined, refused?: string): Promise<TokenResult> => {
    try {
      return await fetchShared(refusedVersion)
    } catch {
      const result = await own.token(refused)
      if (result.kind === 'token') last = result.token
      return result
    }
  }

  return {
    async token(refused) {
      const refusedVersion = kept !== undefined && kept.token === refused ? kept.version : undefined
      if (refusedVersion !== undefined) kept = undefined
      const goodForMs = kept === undefined ? 0 : kept.usedUntilMs - now().getTime()
      if (kept !== undefined && goodForMs > 0) return { kind: 'token', token: kept.token, goodForMs }
      pending ??= fetchToken(refusedVersion, refused).finally(() => {
        pending = undefined
      })
      return pending
    }
  }
}

const IV_BYTES = 12
const TAG_BYTES = 16

/** AES-256-GCM: initialisation vector, tag, text. */
function seal(token: string, key: Uint8Array): Uint8Array {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  const text = Buffer.concat([cipher.update(token, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), text])
}

/** @throws Error when it was not sealed by this key */
function open(sealed: Uint8Array, key: Uint8Array): string {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES))
  decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
  return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8')
}
