// Who opened the board of the queues: the audit trail says so, and is what makes a ticket good for one time only,
// whichever process is asked.
import type { Database } from '../storage/database.js'

export interface BoardEntries {
  /** False, and nothing is written, for a ticket that has opened the board before. */
  open(ticket: { id: string; client: string }): Promise<boolean>
}

/** Longer than any ticket is good for, whatever the clocks of two processes say. */
const LOOK_BACK_MS = 15 * 60_000

export function createBoardEntries(deps: { database: Database; auditChainId: string; now: () => Date }): BoardEntries {
  return {
    open: ({ id, client }) =>
      deps.database.transaction(({ audit }) => {
        const at = deps.now()
        const entry = { at, actor: client, action: 'board.open', detail: { ticket: id } }
        return audit.appendOnce(deps.auditChainId, entry, 'ticket', new Date(at.getTime() - LOOK_BACK_MS))
      })
  }
}
