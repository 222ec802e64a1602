// What the api role reads: histories, statuses and what is made of records. Whatever is read is noted in the audit trail.
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { uuidv7 } from 'uuidv7'
import { createCursors } from './history/cursor.js'
import { createHistory, type History } from './history/history.js'
import { createImmunizationStatus } from './history/immunization-status.js'
import { createReadAudit, type ReadAudit, type ReadNote } from './history/read-audit.js'
import { createServed } from './history/served.js'
import type { HttpServerDeps } from './http/server.js'
import type { HistoryStore } from './storage/history-store.js'
import type { Log } from './log.js'
import type { ReleaseStack } from './release-stack.js'
import type { Parts } from './service-parts.js'

export async function openReading(
  parts: Parts,
  log: Log,
  stack: ReleaseStack
): Promise<
  Pick<HttpServerDeps, 'history' | 'status' | 'served' | 'cursors'> & { historyOn: (store: HistoryStore) => History }
> {
  const { stores } = parts.database
  const cursorKey = await stores.serviceKeys.findOrKeep('page-link', randomBytes(32))
  const audit = stack.add('audit of reads', await openReadAudit(parts, log), (opened) => opened.close())
  const cursors = createCursors(cursorKey)
  const note = (read: ReadNote): void => {
    audit.note(read)
  }
  const historyOn = (store: HistoryStore): History => createHistory({ store, cursorKey, note, now: parts.now })
  return {
    historyOn,
    history: historyOn(stores.history),
    status: createImmunizationStatus({ store: stores.history, rules: parts.liveRules.rules, note }),
    served: createServed({ stores: stores.served, cursors, note }),
    cursors
  }
}

/** Reads have a chain of their own: what is accepted does not wait for it. */
async function openReadAudit({ database, now }: Parts, log: Log): Promise<ReadAudit> {
  const chainId = uuidv7()
  await database.stores.audit.openChain(chainId, `${hostname()}/${process.pid} reads`)
  return createReadAudit({
    store: database.stores.audit,
    chainId,
    now,
    onFault: (error, waiting) => {
      log.error({ err: error, waiting }, 'audit.reads_not_written')
    }
  })
}
