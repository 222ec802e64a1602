// The mailboxes in which receivers answer, for a process of the worker role.
import { hostname } from 'node:os'
import { uuidv7 } from 'uuidv7'
import { createInboxWatch } from './delivery/inbox/inbox-watch.js'
import type { Log } from './log.js'
import type { ReleaseStack } from './release-stack.js'
import type { Parts } from './service-parts.js'

export async function startInboxes(
  { database, destinations, now }: Parts,
  log: Log,
  stack: ReleaseStack
): Promise<void> {
  if (destinations.every(({ inbox }) => inbox === undefined)) return
  const auditChainId = uuidv7()
  const worker = `${hostname()}/${process.pid}`
  await database.stores.audit.openChain(auditChainId, `${worker} inboxes`)
  const watch = createInboxWatch({ database, destinations, worker, log, now, newId: uuidv7, auditChainId })
  stack.add('inboxes', watch, () => watch.stop())
  await watch.start()
}
