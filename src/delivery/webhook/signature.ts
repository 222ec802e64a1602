// Signatures of Standard Webhooks, version v1: HMAC-SHA256 over id, timestamp and body.
// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, checked 2026-11-28.
import { createHmac } from 'node:crypto'

const PREFIX = 'whsec_'
const FEWEST_BYTES = 24
const MOST_BYTES = 64

/** Secrets as an option or a file gives them: separated by white space. @throws Error that tells none of them */
export function parseSecrets(destination: string, text: string): Buffer[] {
  const secrets = text.split(/\s+/).filter((entry) => entry !== '')
  if (secrets.length === 0) throw new Error(`destination "${destination}": there is no signing secret`)
  return secrets.map((secret, index) => {
    const encoded = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : ''
    const bytes = Buffer.from(encoded, 'base64')
    // A slip of one letter is skipped silently by the decoder and would show as wrong signatures only.
    const isBase64 = bytes.toString('base64').replace(/=+$/, '') === encoded.replace(/=+$/, '')
    if (isBase64 && bytes.length >= FEWEST_BYTES && bytes.length <= MOST_BYTES) return bytes
    throw new Error(
      `destination "${destination}": signing secret ${index + 1} must be ${PREFIX} and ` +
        `${FEWEST_BYTES} to ${MOST_BYTES} bytes in base64`
    )
  })
}

/** The header webhook-signature: one signature for each secret, so that either side can change its own first. */
export function signWebhook(
  message: { id: string; timestampSeconds: number; body: string },
  secrets: readonly Buffer[]
): string {
  const signed = `${message.id}.${message.timestampSeconds}.${message.body}`
  return secrets.map((secret) => `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`).join(' ')
}
