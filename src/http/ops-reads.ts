// What operations staff look at: status, the story of a record, deliveries, errors, refusals, the audit trail.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { explainRecord } from '../delivery/explain.js'
import { judgeHealth } from '../delivery/judge-health.js'
import type { DeliveryFilter } from '../storage/ops-delivery-queries.js'
import type { OpsStore } from '../storage/ops-store.js'
import type { AuditFilter, RefusalFilter } from '../storage/ops-trail-queries.js'
import type {
  AuditAnswer,
  DeliveriesAnswer,
  DeliveryAnswer,
  ErrorsAnswer,
  ExplainAnswer,
  RefusalsAnswer,
  StatusAnswer
} from './ops-answers.js'
import { notFound, readPathId, readQuery, refuseQuery } from './ops-request.js'
import {
  checkAuditQuery,
  checkDeliveriesQuery,
  checkErrorsQuery,
  checkRefusalsQuery,
  type AuditQuery,
  type DeliveriesQuery,
  type ErrorsQuery,
  type RefusalsQuery
} from './ops-schemas.js'
import { closedRangeOf, rangeOf } from './ops-time-range.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const PAGE = 50

export function registerOpsReads(app: FastifyInstance, deps: { ops: OpsStore; now: () => Date }): void {
  const { ops, now } = deps
  const read = (path: string, answer: (request: FastifyRequest) => Promise<object>): void => {
    app.get(path, { config: { access: 'ops/read' } }, async (request, reply) => {
      const found = await answer(request)
      return reply.send(found)
    })
  }
  read('/ops/status', (request) => {
    refuseQuery(request)
    return readStatus(ops, now())
  })
  read('/ops/records/:id/explain', async (request) => {
    refuseQuery(request)
    const story = await ops.findRecordStory(readPathId(request))
    if (story === undefined) throw notFound('this record', 'take the id from the Location of its Immunization')
    return explainRecord(story, now()) satisfies ExplainAnswer
  })
  read('/ops/deliveries', (request) => listDeliveries(ops, readQuery(request, checkDeliveriesQuery)))
  read('/ops/deliveries/:id', async (request) => {
    refuseQuery(request)
    const story = await ops.findDelivery(readPathId(request))
    if (story === undefined) throw notFound('this delivery', 'GET /ops/deliveries lists them')
    return story satisfies DeliveryAnswer
  })
  read('/ops/errors', (request) => listErrors(ops, readQuery(request, checkErrorsQuery), now()))
  read('/ops/refusals', (request) => listRefusals(ops, readQuery(request, checkRefusalsQuery), now()))
  read('/ops/audit', (request) => listAudit(ops, readQuery(request, checkAuditQuery)))
}

async function readStatus(ops: OpsStore, at: Date): Promise<StatusAnswer> {
  const since = new Date(at.getTime() - HOUR_MS)
  const health = await ops.readDestinationHealth({ now: at, since })
  return { at, ...judgeHealth(health, at, await ops.readInboxHealth()) }
}

async function listDeliveries(ops: OpsStore, query: DeliveriesQuery): Promise<DeliveriesAnswer> {
  const { state, record, destination, class: kind, after, limit = PAGE, ...range } = query
  const filter: DeliveryFilter = {
    ...(destination === undefined ? {} : { destination }),
    ...(kind === undefined ? {} : { class: kind }),
    ...rangeOf(range),
    ...(state === undefined ? {} : { states: state }),
    ...(record === undefined ? {} : { recordId: record })
  }
  const counts = await ops.countDeliveries(filter)
  const deliveries = await ops.listDeliveries(filter, { limit: limit + 1, ...(after === undefined ? {} : { after }) })
  const page = deliveries.slice(0, limit)
  return { counts, deliveries: page, next: deliveries.length > limit ? (page.at(-1)?.deliveryId ?? null) : null }
}

async function listErrors(ops: OpsStore, query: ErrorsQuery, now: Date): Promise<ErrorsAnswer> {
  const { destination, limit = 20, ...texts } = query
  const range = closedRangeOf(texts, HOUR_MS, now)
  const groups = await ops.findErrorGroups({ ...range, limit, ...(destination === undefined ? {} : { destination }) })
  return { ...range, groups }
}

async function listRefusals(ops: OpsStore, query: RefusalsQuery, now: Date): Promise<RefusalsAnswer> {
  const { supplier, rule, after, limit = PAGE, ...texts } = query
  const range = closedRangeOf(texts, DAY_MS, now)
  const filter: RefusalFilter = {
    ...range,
    ...(supplier === undefined ? {} : { supplier }),
    ...(rule === undefined ? {} : { rule })
  }
  const counts = await ops.countRefusals(filter, 100)
  const rows = await ops.listRefusals(filter, { limit: limit + 1, ...(after === undefined ? {} : { after }) })
  const page = rows.slice(0, limit)
  const refusals = page.map(({ submissionId, receivedAt, supplier: sender, requestId, status, rules }) => ({
    submissionId,
    receivedAt,
    supplier: sender,
    requestId,
    status,
    rules
  }))
  return { ...range, counts, refusals, next: rows.length > limit ? (page.at(-1)?.place ?? null) : null }
}

async function listAudit(ops: OpsStore, query: AuditQuery): Promise<AuditAnswer> {
  const { actor, action, record, after, limit = PAGE, ...range } = query
  const filter: AuditFilter = {
    ...(actor === undefined ? {} : { actor }),
    ...(action === undefined ? {} : { action }),
    ...rangeOf(range),
    ...(record === undefined ? {} : { recordId: record })
  }
  const rows = await ops.listAudit(filter, { limit: limit + 1, ...(after === undefined ? {} : { after }) })
  const page = rows.slice(0, limit)
  const entries = page.map(({ at, actor: who, action: what, recordId, version, detail }) => ({
    at,
    actor: who,
    action: what,
    recordId,
    version,
    detail
  }))
  return { entries, next: rows.length > limit ? (page.at(-1)?.place ?? null) : null }
}
