// The Authorization header of the MESH API: it proves the mailbox password without sending it, once per request.
// Source: NHS England, Message Exchange for Social Care and Health API, "Authorization header", checked 2026-11-22.
import { createHmac } from 'node:crypto'

export interface MeshCredentials {
  mailboxId: string
  mailboxPassword: string
  /** One per MESH environment, given out by NHS England. */
  sharedKey: string
}

/** `nonce` must never be used twice with the same count; `now` is written to the minute, in UTC. */
export function meshAuthorization(credentials: MeshCredentials, nonce: string, now: Date): string {
  const { mailboxId, mailboxPassword, sharedKey } = credentials
  const nonceCount = 0
  const minute = now.toISOString().replace(/\D/g, '').slice(0, 12)
  const hash = createHmac('sha256', sharedKey)
    .update([mailboxId, nonce, nonceCount, mailboxPassword, minute].join(':'))
    .digest('hex')
  return `NHSMESH ${[mailboxId, nonce, nonceCount, minute, hash].join(':')}`
}
