// A person has seen to an acknowledgement that did not come, or to a message that nobody understands: said why, audited.
import type { Database } from '../../storage/database.js'

export interface Settlement {
  destination: string
  about: { deliveryId: string } | { messageId: string }
  actor: string
  reason: string
}

export interface InboxDesk {
  /** False, and nothing changed, when there is no such thing, or it was settled before. */
  settle(settlement: Settlement): Promise<boolean>
}

export function createInboxDesk(deps: { database: Database; auditChainId: string; now: () => Date }): InboxDesk {
  return {
    settle: ({ destination, about, actor, reason }) =>
      deps.database.transaction(async ({ acknowledgements, inboxes, audit }) => {
        const isSettled =
          'deliveryId' in about
            ? await acknowledgements.letBe(destination, about.deliveryId)
            : await inboxes.settle(destination, about.messageId, actor)
        if (!isSettled) return false
        await audit.append(deps.auditChainId, [
          { at: deps.now(), actor, action: 'inbox.settle', detail: { destination, ...about, reason } }
        ])
        return true
      })
  }
}
