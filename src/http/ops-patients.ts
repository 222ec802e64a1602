// NHS numbers that were replaced: merged into their successor, and parted again. Numbers come in bodies only, so that no
// URL and no log holds one, and no answer names one.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { IssueCode } from '../fhir/issue.js'
import type { MergeRefusal } from '../review/merge-refusal.js'
import type { PatientMerges, RefusedMerge } from '../review/patient-merges.js'
import { doorFault } from './door-fault.js'
import type { MergeAnswer, MergePlanAnswer, PatientAnswer } from './ops-answers.js'
import { notFound, readBody, readPathId } from './ops-request.js'
import { checkEmptyBody, checkMergeBody, checkNumberBody, checkPairBody, checkUndoBody } from './ops-schemas.js'
import { callerOf } from './route.js'

export function registerOpsPatients(app: FastifyInstance, { patients }: { patients: PatientMerges }): void {
  const read = { config: { access: 'ops/read' } } as const
  const write = { config: { access: 'ops/write' } } as const

  app.post('/ops/patients/find', read, async (request): Promise<PatientAnswer> => {
    const standing = await patients.show(readBody(request, checkNumberBody).nhsNumber)
    if (standing === undefined) throw notFound('this NHS number', 'check it; no record was ever sent under it')
    return standing
  })
  // A plan is the real thing, rolled back: it holds the patients' locks for a moment, so it wants the right to write.
  app.post('/ops/patients/merges/plan', write, async (request): Promise<MergePlanAnswer> => {
    return orRefuse(await patients.planMerge(readBody(request, checkPairBody)))
  })
  app.post('/ops/patients/merges', write, async (request, reply) => {
    const { confirm, ...asked } = readBody(request, checkMergeBody)
    const { mergeId, effect } = orRefuse(
      await patients.merge({ ...asked, confirmCount: confirm, actor: callerOf(request).client })
    )
    logMerge(request, mergeId, effect)
    const answer: MergeAnswer = { mergeId, ...effect }
    return reply.code(201).send(answer)
  })
  app.post('/ops/patients/merges/:id/undo/plan', write, async (request): Promise<MergePlanAnswer> => {
    const mergeId = readPathId(request)
    readBody(request, checkEmptyBody)
    return orRefuse(await patients.planUndo(mergeId))
  })
  app.post('/ops/patients/merges/:id/undo', write, async (request): Promise<MergeAnswer> => {
    const mergeId = readPathId(request)
    const { confirm, reason } = readBody(request, checkUndoBody)
    const actor = callerOf(request).client
    const effect = orRefuse(await patients.undo({ mergeId, reason, actor, confirmCount: confirm }))
    logMerge(request, mergeId, effect)
    return { mergeId, ...effect }
  })
}

function logMerge(request: FastifyRequest, mergeId: string, { records }: MergePlanAnswer): void {
  request.logged['merge_id'] = mergeId
  request.logged['records'] = records
}

const ANSWERS: Record<MergeRefusal, { status: number; code: IssueCode }> = {
  'merge-into-itself': { status: 400, code: 'value' },
  'already-merged': { status: 409, code: 'conflict' },
  'merge-in-a-circle': { status: 409, code: 'conflict' },
  'merge-count-differs': { status: 412, code: 'conflict' },
  'unknown-merge': { status: 404, code: 'not-found' },
  'merge-undone': { status: 409, code: 'conflict' },
  'patients-busy': { status: 503, code: 'transient' }
}

function orRefuse<Answer extends object>(answer: Answer | RefusedMerge): Answer {
  if (!isRefused(answer)) return answer
  const { status, code } = ANSWERS[answer.why]
  throw doorFault(status, code, `ops-${answer.why}`, answer.message, status === 503 ? { 'Retry-After': '5' } : {})
}

function isRefused(answer: object): answer is RefusedMerge {
  return 'kind' in answer && answer.kind === 'refused'
}
