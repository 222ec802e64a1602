// $validate of Immunization: what the Hub would say of a record, without writing anything. The answer is 200 with an
// OperationOutcome whatever is found; only a question that is not understood is refused.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Scope } from '../fhir/caller.js'
import type { Issue } from '../fhir/issue.js'
import type { ParsedJson } from '../fhir/parse-json.js'
import type { History } from '../history/history.js'
import { RECORD_ID } from '../history/search-demand.js'
import type { Preview } from '../ingest/preview.js'
import type { Submission, Verdict } from '../ingest/submission.js'
import { sendOutcome } from './answer.js'
import { requireScope } from './authenticate.js'
import { bodyIdOf, checkBodyId } from './body-id.js'
import { FHIR_JSON } from './immunization-writes.js'
import { readPatientCorrection } from './patient-correction.js'
import { readRecordId } from './read-payload.js'
import { callerOf, FHIR_BASE, type Operation, type Route } from './route.js'
import { notUnderstood, readValidationRequest, type ValidationMode } from './validation-request.js'
import { readIfMatch } from './version-condition.js'

const COLLECTION = `${FHIR_BASE}/Immunization`
const OPERATION: Operation = {
  name: 'validate',
  definition: 'http://hl7.org/fhir/OperationDefinition/Resource-validate',
  documentation: 'What the Hub would say of this record now, duplicates included. Nothing is written.',
  parameter: [
    { name: 'resource', use: 'in', min: 0, max: '1', type: 'Resource', documentation: 'The Immunization to judge.' },
    { name: 'mode', use: 'in', min: 0, max: '1', type: 'code', documentation: 'create, update, delete or profile.' },
    { name: 'profile', use: 'in', min: 0, max: '1', type: 'uri', documentation: 'A profile to judge by as well.' },
    { name: 'return', use: 'out', min: 1, max: '1', type: 'OperationOutcome', documentation: 'What was found.' }
  ]
}

export interface ValidateDeps {
  preview: Preview
  history: Pick<History, 'read'>
  now: () => Date
}

/**
 * Scopes: `c` asks of what is not stored yet, `r` of a stored record; an update or a delete that is rehearsed wants its
 * own (`u`, `d`) as well. Permissions per vaccine type are those of the real thing.
 */
export function immunizationValidate(deps: ValidateDeps): Route[] {
  const common = { surface: 'fhir', accepts: FHIR_JSON, resource: 'Immunization', operation: OPERATION } as const
  const ofType: Route['handle'] = async (request, reply) => answer(request, reply, await validateNew(request, deps))
  const ofInstance: Route['handle'] = async (request, reply) =>
    answer(request, reply, await validateStored(request, readRecordId(request), deps))
  const instance = { ...common, path: `${COLLECTION}/:id/$validate`, access: 'system/Immunization.r' } as const
  return [
    { ...common, method: 'POST', path: `${COLLECTION}/$validate`, access: 'system/Immunization.c', handle: ofType },
    { ...instance, method: 'POST', handle: ofInstance },
    { ...instance, method: 'GET', handle: ofInstance }
  ]
}

async function validateNew(request: FastifyRequest, given: ValidateDeps): Promise<Issue[]> {
  const { mode = 'create', profile, payload, verdicts } = readValidationRequest(request)
  const deps = telling(verdicts, given)
  if (mode === 'delete')
    throw notUnderstood(
      'not-supported',
      'a delete is asked of a stored record: /Immunization/[id]/$validate?mode=delete'
    )
  if (payload === undefined) throw resourceMissing()
  if (mode === 'profile')
    return deps.preview.tellKnown(deps.preview.judgeByProfile(payload.value, profile), payload.value)
  const found =
    mode === 'create'
      ? await rehearse(request, { kind: 'create', payload }, deps)
      : await rehearseUpdate(request, bodyIdOf(payload.value), payload, deps)
  return deps.preview.tellKnown(withProfile(found, payload.value, profile, deps), payload.value)
}

async function validateStored(request: FastifyRequest, recordId: string, given: ValidateDeps): Promise<Issue[]> {
  request.logged['record_id'] = recordId
  const { mode, profile, payload, verdicts } = readValidationRequest(request)
  const deps = telling(verdicts, given)
  if (mode === 'create')
    throw notUnderstood('not-supported', 'a create has no record yet: /Immunization/$validate is the place to ask')
  if (mode === 'delete') {
    const ifMatch = readIfMatch(request.headers)
    return rehearse(request, { kind: 'delete', recordId, ...(ifMatch === undefined ? {} : { ifMatch }) }, deps)
  }
  if (payload === undefined) {
    if (mode === 'update') throw resourceMissing()
    const { body, version } = await deps.history.read(callerOf(request), recordId)
    const value: unknown = JSON.parse(body)
    const found =
      mode === 'profile'
        ? deps.preview.judgeByProfile(value, profile)
        : withProfile(deps.preview.judge(value), value, profile, deps)
    return deps.preview.tellKnown(found, value, { recordId, version })
  }
  const found =
    mode === 'profile'
      ? deps.preview.judgeByProfile(payload.value, profile)
      : withProfile(await rehearseUpdate(request, recordId, payload, deps), payload.value, profile, deps)
  return deps.preview.tellKnown(found, payload.value)
}

function telling(verdicts: 'all' | undefined, deps: ValidateDeps): ValidateDeps {
  return verdicts === undefined ? deps : { ...deps, preview: { ...deps.preview, ...deps.preview.withPassed } }
}

async function rehearseUpdate(
  request: FastifyRequest,
  recordId: unknown,
  payload: ParsedJson,
  deps: ValidateDeps
): Promise<Issue[]> {
  const wrongId = checkBodyId(payload.value, recordId)
  if (wrongId !== undefined) return [wrongId, ...deps.preview.judge(payload.value)]
  if (typeof recordId !== 'string') return deps.preview.judge(payload.value)
  if (!RECORD_ID.test(recordId)) return [UNKNOWN_RECORD, ...deps.preview.judge(payload.value)]
  const ifMatch = readIfMatch(request.headers) ?? '*'
  const reason = readPatientCorrection(request.headers)
  const correction = reason === undefined ? {} : { patientCorrection: reason }
  return rehearse(request, { kind: 'update', recordId, ifMatch, payload, ...correction }, deps)
}

type Asked =
  | Pick<Extract<Submission, { kind: 'create' }>, 'kind' | 'payload'>
  | Pick<Extract<Submission, { kind: 'update' }>, 'kind' | 'payload' | 'recordId' | 'ifMatch' | 'patientCorrection'>
  | Pick<Extract<Submission, { kind: 'delete' }>, 'kind' | 'recordId' | 'ifMatch'>

const SCOPES: Record<Asked['kind'], Scope> = {
  create: 'system/Immunization.c',
  update: 'system/Immunization.u',
  delete: 'system/Immunization.d'
}

async function rehearse(request: FastifyRequest, asked: Asked, { preview, now }: ValidateDeps): Promise<Issue[]> {
  const caller = callerOf(request)
  requireScope(caller, SCOPES[asked.kind])
  const verdict = await preview.rehearse({ ...asked, caller, requestId: request.id, receivedAt: now() })
  return [...verdict.issues, summary(asked.kind, verdict)]
}

function summary(mode: ValidationMode, { status }: Pick<Verdict, 'status'>): Issue {
  const end = status < 400 ? 'it would be accepted' : 'it would be refused'
  return {
    severity: 'information',
    code: 'informational',
    layer: 'service',
    rule: 'preview-verdict',
    text: `sent now, this ${mode} would be answered ${status}: ${end}; nothing was written`
  }
}

// A profile asked for beside the mode speaks after the Hub's own judges, and repeats nothing.
function withProfile(found: Issue[], value: unknown, profile: string | undefined, { preview }: ValidateDeps): Issue[] {
  if (profile === undefined) return found
  const said = new Set(found.map(keyOf))
  return [...preview.judgeByProfile(value, profile).filter((issue) => !said.has(keyOf(issue))), ...found]
}

function keyOf({ rule, expression, text }: Issue): string {
  return `${rule} ${expression?.[0] ?? ''} ${text}`
}

function answer(request: FastifyRequest, reply: FastifyReply, issues: readonly Issue[]): FastifyReply {
  request.logged['rules'] = [...new Set(issues.map(({ rule }) => rule))]
  const isFound = issues.some(({ rule }) => rule !== 'check-passed')
  return sendOutcome(request, reply, isFound ? issues : [...issues, NO_FAULT])
}

function resourceMissing(): Error {
  return notUnderstood('required', 'there is nothing to judge; send an Immunization, or a Parameters with resource')
}

const NO_FAULT: Issue = {
  severity: 'information',
  code: 'informational',
  layer: 'service',
  rule: 'no-fault',
  text: 'nothing was found that speaks against this Immunization; nothing was written'
}

const UNKNOWN_RECORD: Issue = {
  severity: 'error',
  code: 'not-found',
  layer: 'identity',
  rule: 'unknown-record',
  text: 'no such Immunization of this client; check the id',
  expression: ['Immunization.id']
}
