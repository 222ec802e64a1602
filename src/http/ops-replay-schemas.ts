// What may be asked of replays: a schema and a type for each body and query string.
import { VACCINE_TYPES, type VaccineType } from '../fhir/vaccine-types.js'
import type { ReplayItem, ReplayMode } from '../storage/replay.js'
import { doorFault } from './door-fault.js'
import { compileCheck } from './ops-check.js'

const name = { type: 'string', minLength: 1, maxLength: 100 }
const id = { type: 'string', format: 'uuid' }
const moment = { type: 'string', format: 'moment' }
const reason = { type: 'string', maxLength: 500, format: 'reason' }
const ratePerSecond = { type: 'number', exclusiveMinimum: 0, maximum: 100_000 }
const share = { type: 'number', exclusiveMinimum: 0, maximum: 1 }

const MODES: readonly ReplayMode[] = ['retry', 'resend-latest', 'resend-exact', 'backfill']
const RESULTS: readonly NonNullable<ReplayItem['result']>[] = ['requeued', 'delivered', 'failed', 'skipped']

export interface PlanBody {
  destination: string
  mode?: ReplayMode
  states?: ('held' | 'ready')[]
  since?: string
  until?: string
  class?: string
  vaccineTypes?: VaccineType[]
  record?: string
  delivery?: string
  allowStale?: boolean
  limit?: number
  reason: string
}
const checkPlanShape = compileCheck<PlanBody>(
  'body',
  object(
    {
      destination: name,
      mode: { enum: MODES },
      states: { type: 'array', items: { enum: ['held', 'ready'] }, minItems: 1, uniqueItems: true },
      since: moment,
      until: moment,
      class: name,
      vaccineTypes: { type: 'array', items: { enum: Object.keys(VACCINE_TYPES) }, minItems: 1, uniqueItems: true },
      record: id,
      delivery: id,
      allowStale: { type: 'boolean' },
      limit: { type: 'integer', minimum: 1, maximum: 100_000 },
      reason
    },
    ['destination', 'reason']
  )
)

/** A filter that a mode would not look at is refused: it would send more than was meant. */
const OF_MODE: Record<ReplayMode, readonly (keyof PlanBody)[]> = {
  retry: ['states', 'since', 'until', 'class', 'vaccineTypes', 'record', 'limit'],
  'resend-latest': ['since', 'until', 'class', 'vaccineTypes', 'record', 'limit'],
  'resend-exact': ['delivery', 'allowStale'],
  backfill: ['since', 'until', 'vaccineTypes', 'record', 'limit']
}
const ALWAYS: readonly string[] = ['destination', 'mode', 'reason']

/** @throws FhirError 400 */
export function checkPlanBody(value: unknown): PlanBody {
  const body = checkPlanShape(value)
  const { mode = 'retry' } = body
  const needless = Object.keys(body).find((key) => !ALWAYS.includes(key) && !OF_MODE[mode].some((one) => one === key))
  if (needless !== undefined)
    throw doorFault(400, 'value', 'ops-body', `body: "${needless}" says nothing in mode ${mode}; leave it out`)
  if (mode === 'resend-exact' && body.delivery === undefined)
    throw doorFault(400, 'required', 'ops-body', 'body: "delivery" is missing; mode resend-exact sends one delivery')
  return body
}

interface PaceBody {
  ratePerSecond?: number
  share?: number
}

export interface StartReplayBody extends PaceBody {
  confirm: number
  queueOnly?: boolean
}
const checkStartShape = compileCheck<StartReplayBody>(
  'body',
  object({ confirm: { type: 'integer', minimum: 0 }, ratePerSecond, share, queueOnly: { type: 'boolean' } }, [
    'confirm'
  ])
)
export const checkStartReplayBody = (value: unknown): StartReplayBody => oneOfBoth(checkStartShape(value))

export interface ResumeReplayBody extends PaceBody {
  reason: string
}
const checkResumeShape = compileCheck<ResumeReplayBody>('body', object({ reason, ratePerSecond, share }, ['reason']))
export const checkResumeReplayBody = (value: unknown): ResumeReplayBody => oneOfBoth(checkResumeShape(value))

export const checkCancelReplayBody = compileCheck<{ reason?: string }>('body', object({ reason }))

export interface ReplayQuery {
  result?: NonNullable<ReplayItem['result']>
  limit?: number
}
export const checkReplayQuery = compileCheck<ReplayQuery>(
  'query',
  object({ result: { enum: RESULTS }, limit: { type: 'integer', minimum: 1, maximum: 1_000 } })
)

function oneOfBoth<Body extends PaceBody>(body: Body): Body {
  if (body.ratePerSecond === undefined || body.share === undefined) return body
  throw doorFault(400, 'value', 'ops-body', 'body: give "ratePerSecond" or "share", not both')
}

function object(properties: Record<string, object>, required: readonly string[] = []): object {
  return { type: 'object', properties, required, additionalProperties: false }
}
