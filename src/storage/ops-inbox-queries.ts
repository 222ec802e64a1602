// What waits for an answer, and what lies in the mailboxes of destinations. Never what a message says.
import type { Sql } from './sql.js'

export interface InboxHealth {
  destination: string
  /** Taken by the receiver; nothing final was said yet, and there is time. */
  awaited: number
  /** Nothing was said in time, and nobody has let it be. */
  overdue: number
  /** Messages that nobody understands and nobody has settled. */
  unknown: number
  lookedAt: Date | null
  validatedAt: Date | null
  /** Since when nobody can look into it, and why. */
  failingSince: Date | null
  fault: string | null
}

export interface OverdueAnswer {
  destination: string
  deliveryId: string
  recordId: string
  version: number
  sentAt: Date
  dueAt: Date
  /** Code of the answer that the message could be read; null when not even that was said. */
  infrastructureCode: string | null
}

export interface UnknownMessage {
  destination: string
  messageId: string
  receivedAt: Date
  workflowId: string
  sender: string
  because: string
  characters: number
}

export interface OpsInboxQueries {
  /** One per destination with a mailbox, by name. */
  readInboxHealth(): Promise<InboxHealth[]>
  /** The oldest first. */
  listOverdue(filter: { destination?: string; limit: number }): Promise<OverdueAnswer[]>
  listUnknown(filter: { destination?: string; limit: number }): Promise<UnknownMessage[]>
}

export function createOpsInboxQueries(sql: Sql): OpsInboxQueries {
  return {
    async readInboxHealth() {
      return (await sql.query<InboxHealth>(READ_HEALTH)).rows
    },
    async listOverdue({ destination, limit }) {
      return (await sql.query<OverdueAnswer>(LIST_OVERDUE, [destination ?? null, limit])).rows
    },
    async listUnknown({ destination, limit }) {
      return (await sql.query<UnknownMessage>(LIST_UNKNOWN, [destination ?? null, limit])).rows
    }
  }
}

const READ_HEALTH = `
select inbox.destination,
       (
         select count(*)::integer
           from acknowledgement
          where acknowledgement.destination = inbox.destination
            and state = 'awaited'
       ) as awaited,
       (
         select count(*)::integer
           from acknowledgement
          where acknowledgement.destination = inbox.destination
            and state = 'overdue'
            and settled_at is null
       ) as overdue,
       (
         select count(*)::integer
           from inbox_message
          where inbox_message.destination = inbox.destination
            and delivery_id is null
            and settled_at is null
       ) as unknown,
       looked_at as "lookedAt",
       validated_at as "validatedAt",
       failing_since as "failingSince",
       fault
  from inbox
 order by inbox.destination`

const LIST_OVERDUE = `
select acknowledgement.destination, delivery_id as "deliveryId", delivery.record_id as "recordId", delivery.version,
       delivery.finished_at as "sentAt", acknowledgement.due_at as "dueAt",
       acknowledgement.infrastructure_code as "infrastructureCode"
  from acknowledgement
  join delivery using (delivery_id)
 where acknowledgement.state = 'overdue'
   and acknowledgement.settled_at is null
   and ($1::text is null or acknowledgement.destination = $1)
 order by acknowledgement.due_at, delivery_id
 limit $2`

const LIST_UNKNOWN = `
select destination, message_id as "messageId", received_at as "receivedAt", workflow_id as "workflowId", sender,
       unknown_because as because, length(content) as characters
  from inbox_message
 where delivery_id is null
   and settled_at is null
   and ($1::text is null or destination = $1)
 order by received_at, message_id
 limit $2`
