// Replays and skips: what is held is sent again, or given up. Each is planned or done with a reason, and audited.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Replays } from '../delivery/replay.js'
import type { OpsStore } from '../storage/ops-store.js'
import type { CancelAnswer, PlanAnswer, ReplayAnswer, ReplaysAnswer, SkipAnswer, StartAnswer } from './ops-answers.js'
import { refusalOf } from './ops-refusal.js'
import { notFound, readBody, readPathId, readQuery, refuseQuery } from './ops-request.js'
import { checkEmptyBody, checkPlanBody, checkReasonBody, checkReplaysQuery, checkStartBody } from './ops-schemas.js'
import { rangeOf } from './ops-time-range.js'
import { callerOf } from './route.js'

export interface OpsReplayDeps {
  replays: Replays
  ops: OpsStore
}

export function registerOpsReplays(app: FastifyInstance, deps: OpsReplayDeps): void {
  const { replays } = deps
  const read = { config: { access: 'ops/read' } } as const
  const write = { config: { access: 'ops/write' } } as const

  app.post('/ops/replays', write, async (request, reply) => {
    const plan = await planReplay(request, replays)
    return reply.code(201).header('location', `/ops/replays/${plan.replayId}`).send(plan)
  })
  app.get('/ops/replays', read, async (request): Promise<ReplaysAnswer> => {
    const { limit = 50 } = readQuery(request, checkReplaysQuery)
    return { replays: await replays.list(limit) }
  })
  app.get('/ops/replays/:id', read, async (request): Promise<ReplayAnswer> => {
    refuseQuery(request)
    const replay = await replays.show(readPathId(request))
    if (replay === undefined) throw notFound('this replay', 'GET /ops/replays lists them')
    return replay
  })
  app.post('/ops/replays/:id/start', write, (request) => startReplay(request, replays))
  app.post('/ops/replays/:id/cancel', write, (request) => cancelReplay(request, replays))
  app.post('/ops/deliveries/:id/skip', write, (request) => skipDelivery(request, deps))
}

async function planReplay(request: FastifyRequest, replays: Replays): Promise<PlanAnswer> {
  const { destination, states = ['held'], class: kind, limit, reason, ...range } = readBody(request, checkPlanBody)
  const answer = await replays.plan({
    destination,
    states,
    ...rangeOf(range),
    ...(kind === undefined ? {} : { class: kind }),
    ...(limit === undefined ? {} : { limit }),
    reason,
    actor: callerOf(request).client
  })
  if (answer.kind === 'refused') throw refusalOf(answer)
  request.logged['replay_id'] = answer.plan.replayId
  request.logged['planned'] = answer.plan.planned
  return answer.plan
}

async function startReplay(request: FastifyRequest, replays: Replays): Promise<StartAnswer> {
  const replayId = readPathId(request)
  const { confirm } = readBody(request, checkStartBody)
  const answer = await replays.start(replayId, { actor: callerOf(request).client, confirmCount: confirm })
  if (answer.kind === 'refused') throw refusalOf(answer)
  const { requeued, skipped } = answer
  request.logged['replay_id'] = replayId
  request.logged['requeued'] = requeued
  return { replayId, requeued, skipped }
}

async function cancelReplay(request: FastifyRequest, replays: Replays): Promise<CancelAnswer> {
  const replayId = readPathId(request)
  readBody(request, checkEmptyBody)
  const answer = await replays.cancel(replayId, { actor: callerOf(request).client })
  if (answer.kind === 'refused') throw refusalOf(answer)
  request.logged['replay_id'] = replayId
  return { replayId, state: 'cancelled' }
}

async function skipDelivery(request: FastifyRequest, { replays, ops }: OpsReplayDeps): Promise<SkipAnswer> {
  const deliveryId = readPathId(request)
  const { reason } = readBody(request, checkReasonBody)
  const answer = await replays.skip(deliveryId, { actor: callerOf(request).client, reason })
  if (answer.kind === 'refused') {
    const isKnown = (await ops.findDelivery(deliveryId)) !== undefined
    throw isKnown ? refusalOf(answer) : notFound('this delivery', 'GET /ops/deliveries lists them')
  }
  request.logged['delivery_id'] = deliveryId
  return { deliveryId, state: 'cancelled', promoted: answer.promoted }
}
