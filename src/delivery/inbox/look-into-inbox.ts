// One look into a mailbox: what lies in it is kept first and taken out of it afterwards, so that nothing is lost whatever
// dies in between, and a message that comes twice is one.
import type { Log } from '../../queue/log.js'
import type { Database } from '../../storage/database.js'
import type { FetchedMessage, Inbox } from './inbox.js'

export interface InboxDestination {
  readonly name: string
  readonly inbox: Inbox
}

export interface LookDeps {
  database: Database
  /** Name of this process, for the lease. */
  worker: string
  log: Log
}

export interface InboxPolicy {
  /** A process that dies while it looks keeps the others out for so long. Longer than one request. */
  leaseMs: number
  /** New messages of one look. */
  messagesAtOnce: number
  /** Between two tries to get the lease, at most. */
  idleMs: number
}

export const INBOX_POLICY: InboxPolicy = { leaseMs: 60_000, messagesAtOnce: 500, idleMs: 10_000 }

interface LookEnd {
  fault?: string
  hasMore?: boolean
}

/** True when there is more to look at. Does nothing while it is not time, or while another process looks. */
export async function lookIntoInbox(
  deps: LookDeps,
  { name, inbox }: InboxDestination,
  policy: InboxPolicy,
  stop: AbortSignal
): Promise<boolean> {
  const { inboxes } = deps.database.stores
  const { leaseMs } = policy
  const { validateEveryMs, lookEveryMs } = inbox
  const claimed = await inboxes.claim({ destination: name, owner: deps.worker, leaseMs, validateEveryMs })
  if (claimed === undefined) return false
  const look = createLook(deps, { name, inbox }, policy, stop)
  const { fault, hasMore = false } =
    (claimed.isUnvalidated ? await look.validate() : undefined) ?? (await look.collect())
  // Cut short by our own stop, the look says nothing about the mailbox, and another process may go on at once.
  const isCut = hasStopped(stop)
  if (fault !== undefined && !isCut) deps.log.warn({ destination: name, message: fault }, 'inbox.look_failed')
  await inboxes.release({
    destination: name,
    owner: deps.worker,
    nextInMs: hasMore || isCut ? 0 : lookEveryMs,
    fault: isCut ? undefined : fault
  })
  return hasMore
}

function createLook(
  { database, worker, log }: LookDeps,
  { name, inbox }: InboxDestination,
  policy: InboxPolicy,
  stop: AbortSignal
): { validate(): Promise<LookEnd | undefined>; collect(): Promise<LookEnd> } {
  const { inboxes } = database.stores
  const signal = (): AbortSignal => AbortSignal.any([stop, AbortSignal.timeout(inbox.timeoutMs)])

  /** True when it is safe to take the message out of the mailbox. */
  const keep = async (messageId: string, message: FetchedMessage): Promise<boolean> => {
    const { workflowId, sender, content, says } = message
    const base = { destination: name, messageId, workflowId, sender }
    const fields = { destination: name, message_id: messageId, workflow_id: workflowId }
    const kept = await database.transaction(async (stores) => {
      const found =
        says.kind === 'answer' ? await stores.acknowledgements.record({ destination: name, ...says }) : undefined
      if (found !== undefined) {
        await stores.inboxes.keepAnswer({ ...base, deliveryId: found.deliveryId })
        return found
      }
      const because = says.kind === 'answer' ? 'it answers a message that is none of ours' : says.because
      await stores.inboxes.keepUnknown({ ...base, because, content })
      return { because }
    })
    if ('because' in kept) {
      log.error({ ...fields, message: kept.because }, 'inbox.message_unknown')
      return false
    }
    const code = says.kind === 'answer' ? says.code : ''
    log.info({ ...fields, delivery_id: kept.deliveryId, code, state: kept.state }, 'acknowledgement.received')
    return true
  }

  /** Undefined when the message is dealt with. */
  const deal = async (messageId: string, known: boolean | undefined): Promise<LookEnd | undefined> => {
    let isDone = known
    if (isDone === undefined) {
      const fetched = await inbox.fetch(messageId, signal())
      if (fetched.kind === 'gone') return undefined
      if (fetched.kind === 'fault') return { fault: fetched.message }
      isDone = await keep(messageId, fetched)
    }
    if (!isDone) return undefined
    const fault = await inbox.acknowledge(messageId, signal())
    if (fault !== undefined) return { fault: fault.message }
    await inboxes.recordAcknowledged(name, messageId)
    return undefined
  }

  return {
    async validate() {
      const fault = await inbox.validate(signal())
      if (fault !== undefined) return { fault: fault.message }
      await inboxes.recordValidated(name)
      return undefined
    },
    async collect() {
      for (let after: string | undefined; ;) {
        const listed = await inbox.list(signal(), after)
        if (listed.kind === 'fault') return { fault: listed.message }
        const kept = await inboxes.findKept(name, listed.messageIds)
        const known = new Map(kept.map(({ messageId, isDone }) => [messageId, isDone]))
        // One that waits for a person stays where it is.
        const waiting = listed.messageIds.filter((messageId) => known.get(messageId) !== false)
        for (const messageId of waiting.slice(0, policy.messagesAtOnce)) {
          if (hasStopped(stop) || !(await inboxes.extend(name, worker, policy.leaseMs))) return {}
          const end = await deal(messageId, known.get(messageId))
          if (end !== undefined) return end
        }
        // What was taken out has moved the pages: the next look begins at the first again.
        if (listed.next === undefined || waiting.length > 0)
          return {
            hasMore: waiting.length > policy.messagesAtOnce || (listed.next !== undefined && waiting.length > 0)
          }
        // A page of nothing but such that wait: the new ones are behind it.
        if (hasStopped(stop) || !(await inboxes.extend(name, worker, policy.leaseMs))) return {}
        after = listed.next
      }
    }
  }
}

/** A call, because the compiler takes a property for settled once it was looked at. */
function hasStopped(stop: AbortSignal): boolean {
  return stop.aborted
}
