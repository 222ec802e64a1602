// Possible duplicates: listed, shown side by side, decided, undone; and what other weights would change.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { IssueCode } from '../fhir/issue.js'
import { FhirError } from '../fhir/operation-outcome.js'
import type { WeightsComparison } from '../review/compare-weights.js'
import type { Decided } from '../review/decide-pair.js'
import type { DuplicateReviews, RefusedReview } from '../review/duplicate-reviews.js'
import type { ReviewRefusal } from '../review/review-refusal.js'
import { doorFault } from './door-fault.js'
import type { DecisionAnswer, DuplicateAnswer, DuplicatesAnswer, WeightsAnswer } from './ops-answers.js'
import { notFound, readBody, readPathId, readQuery, refuseQuery } from './ops-request.js'
import { checkDecideBody, checkDuplicatesQuery, checkReasonBody, checkWeightsBody } from './ops-schemas.js'
import { rangeOf } from './ops-time-range.js'
import { callerOf } from './route.js'

/** What the roof knows of weights. */
export interface WeightsDesk {
  /**
   * Compares the weights in force with those of the file.
   * @throws Error called DedupFileError, whose message says, a line each, what is wrong with the file
   */
  rehearse(
    file: { name: string; text: string },
    scan: { since?: Date; after?: string; limit: number }
  ): Promise<WeightsComparison & Pick<WeightsAnswer, 'total' | 'currentVersion' | 'nextVersion'>>
}

const PAGE = 50
const PATIENTS = 200

export function registerOpsDuplicates(
  app: FastifyInstance,
  { duplicates, weights }: { duplicates: DuplicateReviews; weights: WeightsDesk }
): void {
  const read = { config: { access: 'ops/read' } } as const
  const write = { config: { access: 'ops/write' } } as const

  app.get('/ops/duplicates', read, (request) => list(request, duplicates))
  app.get('/ops/duplicates/:id', read, async (request): Promise<DuplicateAnswer> => {
    refuseQuery(request)
    const pair = await duplicates.show(readPathId(request), callerOf(request).client)
    if (pair === undefined) throw notFound('this pair of records', 'GET /ops/duplicates lists them')
    return pair
  })
  app.post('/ops/duplicates/:id/decide', write, async (request): Promise<DecisionAnswer> => {
    const pairId = readPathId(request)
    const { decision, reason } = readBody(request, checkDecideBody)
    const actor = callerOf(request).client
    return answerOf(request, await duplicates.decide({ pairId, choice: decision, reason, actor }))
  })
  app.post('/ops/duplicates/decisions/:id/undo', write, async (request): Promise<DecisionAnswer> => {
    const decisionId = readPathId(request)
    const { reason } = readBody(request, checkReasonBody)
    return answerOf(request, await duplicates.undo({ decisionId, reason, actor: callerOf(request).client }))
  })
  // A question with a body: it writes nothing.
  app.post('/ops/duplicates/rehearse', read, (request) => rehearse(request, weights))
}

async function list(request: FastifyRequest, duplicates: DuplicateReviews): Promise<DuplicatesAnswer> {
  const { state, type, supplier, record, after, limit = PAGE } = readQuery(request, checkDuplicatesQuery)
  const { counts, pairs } = await duplicates.list({
    limit: limit + 1,
    ...(state === undefined ? {} : { states: state }),
    ...(type === undefined ? {} : { vaccineType: type }),
    ...(supplier === undefined ? {} : { supplier }),
    ...(record === undefined ? {} : { recordId: record }),
    ...(after === undefined ? {} : { after })
  })
  const page = pairs.slice(0, limit)
  return {
    counts,
    pairs: page.map(({ place: _place, ...line }) => line),
    next: pairs.length > limit ? (page.at(-1)?.place ?? null) : null
  }
}

async function rehearse(request: FastifyRequest, weights: WeightsDesk): Promise<WeightsAnswer> {
  const { file, text, after, limit = PATIENTS, ...range } = readBody(request, checkWeightsBody)
  try {
    const { next, ...compared } = await weights.rehearse(
      { name: file, text },
      { limit, ...rangeOf(range), ...(after === undefined ? {} : { after }) }
    )
    return { ...compared, next: next ?? null }
  } catch (error) {
    if (error instanceof Error && error.name === 'DedupFileError') throw fileFault(error)
    throw error
  }
}

const ANSWERS: Record<ReviewRefusal, { status: number; code: IssueCode }> = {
  'unknown-pair': { status: 404, code: 'not-found' },
  'unknown-decision': { status: 404, code: 'not-found' },
  'pair-decided': { status: 409, code: 'conflict' },
  'choice-unfit': { status: 409, code: 'conflict' },
  'pair-separated': { status: 409, code: 'conflict' },
  'patients-differ': { status: 409, code: 'conflict' },
  'decision-undone': { status: 409, code: 'conflict' },
  'records-busy': { status: 503, code: 'transient' }
}

function answerOf(request: FastifyRequest, answer: Decided | RefusedReview): DecisionAnswer {
  if ('kind' in answer) {
    const { status, code } = ANSWERS[answer.why]
    throw doorFault(status, code, `ops-${answer.why}`, answer.message, status === 503 ? { 'Retry-After': '5' } : {})
  }
  request.logged['pair_id'] = answer.pairId
  request.logged['decision_id'] = answer.decision.decisionId
  return { ...answer, repeated: answer.effect === null }
}

function fileFault(error: Error): FhirError {
  const issues = error.message
    .split('\n')
    .map((text) => ({ severity: 'error', code: 'business-rule', layer: 'service', rule: 'dedup-file', text }) as const)
  return new FhirError(422, issues, {}, { cause: error })
}
