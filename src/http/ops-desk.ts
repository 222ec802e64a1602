// What operations staff look into and adjust while something is wrong: proofs, the doctor, attempts as they end, and the
// doors of destinations. Whatever changes something needs a reason and is audited.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { OVERLAP_MS, placeAfter } from '../delivery/attempt-feed.js'
import type { Diagnosis } from '../delivery/doctor.js'
import type { ProbeDestination, ProbeRefusal } from '../delivery/probe-destination.js'
import type { DestinationTuning } from '../delivery/tune-destination.js'
import type { Verifier } from '../delivery/verify.js'
import type { IssueCode } from '../fhir/issue.js'
import type { OpsStore } from '../storage/ops-store.js'
import { doorFault } from './door-fault.js'
import type {
  AttemptsAnswer,
  BreakerAnswer,
  DoctorAnswer,
  LimitsAnswer,
  ProbeAnswer,
  VerifyAnswer
} from './ops-answers.js'
import {
  checkAttemptsQuery,
  checkBreakerBody,
  checkLimitsBody,
  checkVerifyBody,
  type AttemptsQuery
} from './ops-desk-schemas.js'
import { notFound, readBody, readQuery, refuseQuery } from './ops-request.js'
import { checkReasonBody } from './ops-schemas.js'
import { closedRangeOf, rangeOf } from './ops-time-range.js'
import { callerOf } from './route.js'

export interface OpsDeskDeps {
  ops: OpsStore
  verifier: Verifier
  doctor: { examine(): Promise<Diagnosis> }
  probe: ProbeDestination
  tuning: DestinationTuning
  now: () => Date
}

const DAY_MS = 24 * 3_600_000
const SAMPLE = 20
const BREAKER_SECONDS = 15 * 60

export function registerOpsDesk(app: FastifyInstance, deps: OpsDeskDeps): void {
  const read = { config: { access: 'ops/read' } } as const
  const write = { config: { access: 'ops/write' } } as const
  // A question with a body: it writes nothing, here or at a receiver.
  app.post('/ops/verify', read, (request) => verify(request, deps))
  app.get('/ops/doctor', read, async (request): Promise<DoctorAnswer> => {
    refuseQuery(request)
    return deps.doctor.examine()
  })
  app.get('/ops/attempts', read, (request) => listAttempts(deps, readQuery(request, checkAttemptsQuery)))
  app.post('/ops/destinations/:name/probe', write, (request) => probe(request, deps))
  app.post('/ops/destinations/:name/breaker', write, (request) => setBreaker(request, deps))
  app.get('/ops/destinations/:name/limits', read, async (request): Promise<LimitsAnswer> => {
    refuseQuery(request)
    const shown = await deps.tuning.showLimits(nameOf(request))
    if (shown === undefined) throw unknownDestination()
    return shown
  })
  app.post('/ops/destinations/:name/limits', write, (request) => setLimits(request, deps))
}

async function verify(request: FastifyRequest, { verifier, now }: OpsDeskDeps): Promise<VerifyAnswer> {
  const { destination, record, sample = SAMPLE, since } = readBody(request, checkVerifyBody)
  const range = closedRangeOf(since === undefined ? {} : { since }, DAY_MS, now())
  const verification = await verifier.verify({
    since: range.since,
    sample,
    ...(destination === undefined ? {} : { destination }),
    ...(record === undefined ? {} : { recordId: record })
  })
  if (verification === undefined) throw unknownDestination()
  return verification
}

async function listAttempts({ ops, now }: OpsDeskDeps, query: AttemptsQuery): Promise<AttemptsAnswer> {
  const { destination, after, limit = 200 } = query
  const { since = new Date(now().getTime() - OVERLAP_MS) } = rangeOf(after === undefined ? {} : { since: after })
  const filter = { limit, ...(destination === undefined ? {} : { destination }) }
  const attempts = await ops.listEndedAttempts(since, filter)
  return { attempts, next: placeAfter(attempts, since, limit) }
}

const REFUSALS: Record<ProbeRefusal, { status: number; code: IssueCode }> = {
  'unknown-destination': { status: 404, code: 'not-found' },
  'door-open': { status: 409, code: 'conflict' },
  'destination-resting': { status: 409, code: 'conflict' },
  'probe-under-way': { status: 409, code: 'conflict' },
  'nothing-waits': { status: 409, code: 'conflict' }
}

async function probe(request: FastifyRequest, deps: OpsDeskDeps): Promise<ProbeAnswer> {
  const { reason } = readBody(request, checkReasonBody)
  const destination = nameOf(request)
  const answer = await deps.probe({ destination, reason, actor: callerOf(request).client })
  if (answer.kind === 'refused') {
    const { status, code } = REFUSALS[answer.why]
    throw doorFault(status, code, `ops-${answer.why}`, answer.message)
  }
  request.logged['destination'] = destination
  request.logged['delivery_id'] = answer.result.deliveryId
  return answer.result
}

async function setBreaker(request: FastifyRequest, { tuning }: OpsDeskDeps): Promise<BreakerAnswer> {
  const { state, reason, forSeconds = BREAKER_SECONDS } = readBody(request, checkBreakerBody)
  const destination = nameOf(request)
  const act = { destination, reason, actor: callerOf(request).client }
  const isKnown = await tuning.setBreaker(
    state === 'open' ? { ...act, state, forMs: forSeconds * 1_000 } : { ...act, state }
  )
  if (!isKnown) throw unknownDestination()
  request.logged['destination'] = destination
  return { destination, breaker: state }
}

async function setLimits(request: FastifyRequest, { tuning }: OpsDeskDeps): Promise<LimitsAnswer> {
  const { reason, ...limits } = readBody(request, checkLimitsBody)
  const destination = nameOf(request)
  const shown = await tuning.setLimits({ destination, reason, actor: callerOf(request).client, ...limits })
  if (shown === undefined) throw unknownDestination()
  if (shown === 'above-file')
    throw doorFault(
      409,
      'conflict',
      'ops-limits-above-file',
      'no more than the destinations file allows can be set here; GET the limits to see them, or change the file'
    )
  request.logged['destination'] = destination
  return shown
}

function nameOf(request: FastifyRequest): string {
  return (request.params as { name: string }).name
}

function unknownDestination(): Error {
  return notFound('this destination', 'GET /ops/status lists them')
}
