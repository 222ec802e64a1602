// Acknowledgements that did not come, and messages that nobody understands: listed, and settled by a person.
import type { FastifyInstance } from 'fastify'
import type { InboxDesk } from '../delivery/inbox/inbox-desk.js'
import type { OpsStore } from '../storage/ops-store.js'
import type { InboxAnswer, SettledAnswer } from './ops-answers.js'
import { notFound, readBody, readQuery } from './ops-request.js'
import { checkInboxQuery, checkSettleBody } from './ops-schemas.js'
import { callerOf } from './route.js'

const PAGE = 100

export function registerOpsInbox(app: FastifyInstance, { ops, inboxes }: { ops: OpsStore; inboxes: InboxDesk }): void {
  app.get('/ops/inbox', { config: { access: 'ops/read' } }, async (request): Promise<InboxAnswer> => {
    const { destination, limit = PAGE } = readQuery(request, checkInboxQuery)
    const filter = { limit, ...(destination === undefined ? {} : { destination }) }
    return { overdue: await ops.listOverdue(filter), unknown: await ops.listUnknown(filter) }
  })
  app.post('/ops/inbox/settle', { config: { access: 'ops/write' } }, async (request): Promise<SettledAnswer> => {
    const { destination, reason, ...about } = readBody(request, checkSettleBody)
    const actor = callerOf(request).client
    if (!(await inboxes.settle({ destination, about, actor, reason })))
      throw notFound('this acknowledgement or message, as one that waits for a person,', 'GET /ops/inbox lists them')
    request.logged['destination'] = destination
    return { destination, ...about, settled: true }
  })
}
