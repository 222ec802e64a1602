// Replays and skips: what is held is sent again, or given up. Each is planned or done with a reason, and audited.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Replays } from '../delivery/replay.js'
import type { Refused } from '../delivery/replay-refusal.js'
import type { OpsStore } from '../storage/ops-store.js'
import type {
  ApproveAnswer,
  CancelAnswer,
  PauseAnswer,
  PlanAnswer,
  ReplayAnswer,
  ReplaysAnswer,
  ResumeAnswer,
  SkipAnswer,
  StartAnswer
} from './ops-answers.js'
import { refusalOf } from './ops-refusal.js'
import {
  checkCancelReplayBody,
  checkPlanBody,
  checkReplayQuery,
  checkResumeReplayBody,
  checkStartReplayBody
} from './ops-replay-schemas.js'
import { notFound, readBody, readPathId, readQuery } from './ops-request.js'
import { checkReasonBody, checkReplaysQuery } from './ops-schemas.js'
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
    const replay = await replays.show(readPathId(request), readQuery(request, checkReplayQuery))
    if (replay === undefined) throw notFound('this replay', 'GET /ops/replays lists them')
    return replay
  })
  app.post('/ops/replays/:id/approve', write, (request) => approveReplay(request, replays))
  app.post('/ops/replays/:id/start', write, (request) => startReplay(request, replays))
  app.post('/ops/replays/:id/pause', write, (request) => pauseReplay(request, replays))
  app.post('/ops/replays/:id/resume', write, (request) => resumeReplay(request, replays))
  app.post('/ops/replays/:id/cancel', write, (request) => cancelReplay(request, replays))
  app.post('/ops/deliveries/:id/skip', write, (request) => skipDelivery(request, deps))
}

async function planReplay(request: FastifyRequest, replays: Replays): Promise<PlanAnswer> {
  const { mode = 'retry', states = ['held'], since, until, ...wanted } = readBody(request, checkPlanBody)
  const range = rangeOf({ ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) })
  const actor = callerOf(request).client
  const { plan } = done(await replays.plan({ ...wanted, mode, states, ...range, actor }))
  request.logged['replay_id'] = plan.replayId
  request.logged['planned'] = plan.planned
  return plan
}

async function approveReplay(request: FastifyRequest, replays: Replays): Promise<ApproveAnswer> {
  const { replayId, actor } = acting(request)
  const { reason } = readBody(request, checkReasonBody)
  const { expiresAt } = done(await replays.approve(replayId, { actor, reason }))
  return { replayId, state: 'planned', approvedBy: actor, expiresAt }
}

async function startReplay(request: FastifyRequest, replays: Replays): Promise<StartAnswer> {
  const { replayId, actor } = acting(request)
  const { confirm, ...wanted } = readBody(request, checkStartReplayBody)
  const { planned, ratePerSecond } = done(await replays.start(replayId, { ...wanted, actor, confirmCount: confirm }))
  return { replayId, state: 'running', planned, ratePerSecond }
}

async function pauseReplay(request: FastifyRequest, replays: Replays): Promise<PauseAnswer> {
  const { replayId, actor } = acting(request)
  const { reason } = readBody(request, checkReasonBody)
  done(await replays.pause(replayId, { actor, reason }))
  return { replayId, state: 'paused' }
}

async function resumeReplay(request: FastifyRequest, replays: Replays): Promise<ResumeAnswer> {
  const { replayId, actor } = acting(request)
  const wanted = readBody(request, checkResumeReplayBody)
  const { ratePerSecond } = done(await replays.resume(replayId, { ...wanted, actor }))
  return { replayId, state: 'running', ratePerSecond }
}

async function cancelReplay(request: FastifyRequest, replays: Replays): Promise<CancelAnswer> {
  const { replayId, actor } = acting(request)
  const wanted = readBody(request, checkCancelReplayBody)
  const { left } = done(await replays.cancel(replayId, { ...wanted, actor }))
  return { replayId, state: 'cancelled', left }
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

/** Who acts on the replay of the path; both stand in the log line. */
function acting(request: FastifyRequest): { replayId: string; actor: string } {
  const replayId = readPathId(request)
  request.logged['replay_id'] = replayId
  return { replayId, actor: callerOf(request).client }
}

/** @throws FhirError for what was refused */
function done<Answer extends { kind: string }>(answer: Answer | Refused): Exclude<Answer, Refused> {
  if (isRefused(answer)) throw refusalOf(answer)
  return answer as Exclude<Answer, Refused>
}

function isRefused(answer: { kind: string }): answer is Refused {
  return answer.kind === 'refused'
}
