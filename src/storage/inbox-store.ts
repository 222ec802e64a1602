// The mailboxes of destinations: who looks into one, and what lay in it.
import type { Sql } from './sql.js'

/** A message that was in the mailbox. `isDone`: it may be taken out of it. */
export interface KeptMessage {
  messageId: string
  isDone: boolean
}

export interface MessageRecord {
  destination: string
  messageId: string
  workflowId: string
  sender: string
}

export interface InboxStore {
  /** Adds a row for a mailbox that is new in the configuration. */
  ensure(destination: string): Promise<void>
  /**
   * The next look is the caller's, until the lease is over. Undefined while it is not time, or another process looks.
   * `isUnvalidated`: the mailbox was not validated for so long.
   */
  claim(look: {
    destination: string
    owner: string
    leaseMs: number
    validateEveryMs: number
  }): Promise<{ isUnvalidated: boolean } | undefined>
  /** False when the lease was lost. */
  extend(destination: string, owner: string, leaseMs: number): Promise<boolean>
  /** The look is over. `fault`: why it could not be done; undefined when it could. */
  release(look: { destination: string; owner: string; nextInMs: number; fault: string | undefined }): Promise<void>
  recordValidated(destination: string): Promise<void>
  /** Of the given messages those that were kept before. */
  findKept(destination: string, messageIds: readonly string[]): Promise<KeptMessage[]>
  /** An answer about a delivery; recorded in the same transaction. */
  keepAnswer(message: MessageRecord & { deliveryId: string }): Promise<void>
  /** A message that nobody understands, whole. False when it was kept before. */
  keepUnknown(message: MessageRecord & { because: string; content: string }): Promise<boolean>
  recordAcknowledged(destination: string, messageId: string): Promise<void>
  /** A person has seen to it: it may be taken out of the mailbox. False when there is no such message, or it was settled. */
  settle(destination: string, messageId: string, actor: string): Promise<boolean>
}

export function createInboxStore(sql: Sql): InboxStore {
  return {
    async ensure(destination) {
      await sql.query('insert into inbox (destination) values ($1) on conflict (destination) do nothing', [destination])
    },
    async claim({ destination, owner, leaseMs, validateEveryMs }) {
      const { rows } = await sql.query<{ isUnvalidated: boolean }>(CLAIM, [
        destination,
        owner,
        leaseMs,
        validateEveryMs
      ])
      return rows[0]
    },
    async extend(destination, owner, leaseMs) {
      const { rowCount } = await sql.query(
        `update inbox
            set lease_until = now() + $3 * interval '1 millisecond'
          where destination = $1
            and lease_owner = $2`,
        [destination, owner, leaseMs]
      )
      return rowCount > 0
    },
    async release({ destination, owner, nextInMs, fault }) {
      await sql.query(RELEASE, [destination, owner, nextInMs, fault ?? null])
    },
    async recordValidated(destination) {
      await sql.query('update inbox set validated_at = now() where destination = $1', [destination])
    },

    async findKept(destination, messageIds) {
      if (messageIds.length === 0) return []
      const { rows } = await sql.query<KeptMessage>(
        `select message_id as "messageId", delivery_id is not null or settled_at is not null as "isDone"
           from inbox_message
          where destination = $1
            and message_id = any ($2)`,
        [destination, messageIds]
      )
      return rows
    },
    async keepAnswer({ destination, messageId, workflowId, sender, deliveryId }) {
      await sql.query(
        `insert into inbox_message (destination, message_id, workflow_id, sender, delivery_id)
         values ($1, $2, $3, $4, $5)
         on conflict (destination, message_id) do nothing`,
        [destination, messageId, workflowId, sender, deliveryId]
      )
    },
    async keepUnknown({ destination, messageId, workflowId, sender, because, content }) {
      const { rowCount } = await sql.query(
        `insert into inbox_message (destination, message_id, workflow_id, sender, unknown_because, content)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (destination, message_id) do nothing`,
        // PostgreSQL keeps every character but NUL.
        [destination, messageId, workflowId, sender, because, content.replaceAll('\u0000', '\ufffd')]
      )
      return rowCount > 0
    },
    async recordAcknowledged(destination, messageId) {
      await sql.query(
        `update inbox_message
            set acknowledged_at = now()
          where destination = $1
            and message_id = $2
            and acknowledged_at is null`,
        [destination, messageId]
      )
    },
    async settle(destination, messageId, actor) {
      const { rowCount } = await sql.query(
        `update inbox_message
            set settled_at = now(), settled_by = $3
          where destination = $1
            and message_id = $2
            and delivery_id is null
            and settled_at is null`,
        [destination, messageId, actor]
      )
      return rowCount > 0
    }
  }
}

const CLAIM = `
update inbox
   set lease_owner = $2, lease_until = now() + $3 * interval '1 millisecond'
 where destination = $1
   and next_look_at <= now()
   and (lease_until is null or lease_until <= now())
returning validated_at is null or validated_at < now() - $4 * interval '1 millisecond' as "isUnvalidated"`

const RELEASE = `
update inbox
   set lease_owner = null, lease_until = null,
       next_look_at = now() + $3 * interval '1 millisecond',
       looked_at = case when $4::text is null then now() else looked_at end,
       fault = $4,
       failing_since = case when $4::text is null then null else coalesce(failing_since, now()) end
 where destination = $1
   and lease_owner = $2`
