// The token endpoint in front of the sandbox's NHS API: it verifies the signed JWT as the real one does.
import { createPublicKey, randomBytes } from 'node:crypto'
import { jwtVerify } from 'jose'
import type { SandboxKeys } from './keys.js'
import { jsonAnswer, type SandboxAnswer, type SandboxRequest } from './receiver.js'

const LIFE_SECONDS = 599
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export interface NhsTokens {
  answer(request: SandboxRequest): Promise<SandboxAnswer>
  isGood(authorization: string | undefined): boolean
  /** Makes every token given out so far worthless, as a key rotation does. */
  revokeAll(): void
}

export function createNhsTokens(
  keys: SandboxKeys['nhs'],
  tokenUrl: () => string,
  now: () => Date,
  algorithm: 'RS512' | 'RS384' = 'RS512'
): NhsTokens {
  const publicKey = createPublicKey(keys.publicKeyPem)
  const usedIds = new Set<string>()
  const expiryByToken = new Map<string, number>()

  async function isAssertionGood(assertion: string): Promise<boolean> {
    try {
      const { payload, protectedHeader } = await jwtVerify(assertion, publicKey, {
        algorithms: [algorithm],
        issuer: keys.apiKey,
        subject: keys.apiKey,
        audience: tokenUrl(),
        requiredClaims: ['exp', 'jti'],
        currentDate: now()
      })
      const { jti = '', exp = 0 } = payload
      const isShort = exp * 1000 <= now().getTime() + 300_000
      if (protectedHeader.kid !== keys.keyId || !isShort || usedIds.has(jti)) return false
      usedIds.add(jti)
      return true
    } catch {
      return false
    }
  }

  return {
    async answer(request) {
      const form = new URLSearchParams(request.body)
      if (form.get('grant_type') !== 'client_credentials') return jsonAnswer(400, { error: 'unsupported_grant_type' })
      const isGood =
        form.get('client_assertion_type') === ASSERTION_TYPE &&
        (await isAssertionGood(form.get('client_assertion') ?? ''))
      if (!isGood) return jsonAnswer(401, { error: 'invalid_client' })
      const token = randomBytes(18).toString('base64url')
      expiryByToken.set(token, now().getTime() + LIFE_SECONDS * 1000)
      return jsonAnswer(200, { access_token: token, expires_in: String(LIFE_SECONDS), token_type: 'Bearer' })
    },
    isGood(authorization) {
      const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? ''
      return (expiryByToken.get(token) ?? 0) > now().getTime()
    },
    revokeAll() {
      expiryByToken.clear()
    }
  }
}
