// Whoever takes webhooks: it verifies signature and timestamp, and acts once on each id.
// Source: Standard Webhooks, section "Verifying signatures", checked 2026-11-28.
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { SandboxKeys } from './keys.js'
import { jsonAnswer, type Receiver, type SandboxAnswer, type SandboxRequest } from './receiver.js'

/** An older message could be one that somebody kept and sends again. */
const TOLERANCE_SECONDS = 300

interface Message {
  type: string
  timestamp: string
  data: { id: string; version: number; reference: string; resource?: { lotNumber?: string } }
}

export function createWebhookReceiver(keys: SandboxKeys['webhook'], now: () => Date): Receiver {
  const taken = new Map<string, Message>()

  function fault({ headers, body }: SandboxRequest): string | undefined {
    const [id, timestamp, given] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
      String(headers[name] ?? '')
    ) as [string, string, string]
    if (id === '' || !/^\d{10}$/.test(timestamp)) return 'webhook-id and webhook-timestamp are required'
    if (Math.abs(Number(timestamp) - now().getTime() / 1000) > TOLERANCE_SECONDS) return 'the timestamp is too far off'
    const right = keys.secrets.map((secret) => {
      const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
      return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
    })
    const isSigned = given.split(' ').some((signature) => right.some((one) => isEqual(one, signature)))
    return isSigned ? undefined : 'no signature is right'
  }

  return {
    isWrite: () => true,
    journalPath: ({ path }) => path,
    holdings: () => [...taken].map(([id, message]) => ({ id, ...message })),
    fail: (name) => FAULTS[name],
    answer(request) {
      if (request.method !== 'POST') return { status: 405 }
      const wrong = fault(request)
      if (wrong !== undefined) return jsonAnswer(401, { error: wrong })
      const message = JSON.parse(request.body) as Message
      const id = String(request.headers['webhook-id'])
      const { version, resource } = message.data
      const effect = {
        recordKey: message.data.id,
        version: String(version),
        ...(resource?.lotNumber === undefined ? {} : { lotNumber: resource.lotNumber }),
        applied: !taken.has(id)
      }
      taken.set(id, message)
      return { status: 204, effect }
    }
  }
}

const FAULTS: Record<Parameters<Receiver['fail']>[0], SandboxAnswer> = {
  down: jsonAnswer(503, { error: 'out of order' }),
  limited: jsonAnswer(429, { error: 'too many requests' }),
  refuse: jsonAnswer(400, { error: 'refused because the sandbox was told to refuse' }),
  credentials: jsonAnswer(401, { error: 'no signature is right' })
}

function isEqual(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}
