// What may be asked of the operations API: one schema and one type for each query string and body.
import { DELIVERY_STATES, type DeliveryState } from '../storage/ops-delivery-queries.js'
import { VACCINE_TYPES, type VaccineType } from '../fhir/vaccine-types.js'
import { REVIEW_STATES, type ReviewState } from '../storage/review-state.js'
import { REVIEW_CHOICES, type ReviewChoice } from '../storage/review-store.js'
import { compileCheck } from './ops-check.js'

const name = { type: 'string', minLength: 1, maxLength: 100 }
const id = { type: 'string', format: 'uuid' }
const moment = { type: 'string', format: 'moment' }
const reason = { type: 'string', maxLength: 500, format: 'reason' }
const nhsNumber = { type: 'string', format: 'nhs-number' }
const confirm = { type: 'integer', minimum: 0 }
const limit = { type: 'integer', minimum: 1, maximum: 500 }
const place = { type: 'string', format: 'place' }
const states = { type: 'array', items: { enum: DELIVERY_STATES }, minItems: 1, uniqueItems: true }

export const checkNoQuery = compileCheck<Record<string, never>>('query', object({}))

interface Range {
  since?: string
  until?: string
}

interface Page {
  limit?: number
  after?: string
}

export interface DeliveriesQuery extends Range, Page {
  destination?: string
  state?: DeliveryState[]
  class?: string
  record?: string
}
export const checkDeliveriesQuery = compileCheck<DeliveriesQuery>(
  'query',
  object({ destination: name, state: states, class: name, since: moment, until: moment, record: id, limit, after: id })
)

export interface ErrorsQuery extends Range {
  destination?: string
  limit?: number
}
export const checkErrorsQuery = compileCheck<ErrorsQuery>(
  'query',
  object({ destination: name, since: moment, until: moment, limit })
)

export interface RefusalsQuery extends Range, Page {
  supplier?: string
  rule?: string
}
export const checkRefusalsQuery = compileCheck<RefusalsQuery>(
  'query',
  object({ supplier: name, rule: name, since: moment, until: moment, limit, after: place })
)

export interface InboxQuery {
  destination?: string
  limit?: number
}
export const checkInboxQuery = compileCheck<InboxQuery>('query', object({ destination: name, limit }))

export type SettleBody = ReasonBody & { destination: string } & ({ deliveryId: string } | { messageId: string })
const settled = { destination: name, reason }
export const checkSettleBody = compileCheck<SettleBody>('body', {
  anyOf: [
    object({ ...settled, deliveryId: id }, ['destination', 'reason', 'deliveryId']),
    object({ ...settled, messageId: name }, ['destination', 'reason', 'messageId'])
  ]
})

export interface AuditQuery extends Range, Page {
  actor?: string
  action?: string
  record?: string
}
export const checkAuditQuery = compileCheck<AuditQuery>(
  'query',
  object({ actor: name, action: name, record: id, since: moment, until: moment, limit, after: place })
)

export const checkPathId = compileCheck<{ id: string }>('path', object({ id }, ['id']))

export interface ReasonBody {
  reason: string
}
export const checkReasonBody = compileCheck<ReasonBody>('body', object({ reason }, ['reason']))

export interface ReloadBody {
  reason: string
  force?: boolean
}
export const checkReloadBody = compileCheck<ReloadBody>(
  'body',
  object({ reason, force: { type: 'boolean' } }, ['reason'])
)

export interface RehearsalBody {
  /** Name of the file, as `<id>/<version>.yaml`. */
  file: string
  text: string
  since?: string
  before?: string
  limit?: number
}
export const checkRehearsalBody = compileCheck<RehearsalBody>(
  'body',
  object(
    {
      file: { type: 'string', minLength: 1, maxLength: 200 },
      text: { type: 'string', minLength: 1, maxLength: 200_000 },
      since: moment,
      before: id,
      limit: { type: 'integer', minimum: 1, maximum: 5000 }
    },
    ['file', 'text']
  )
)

export const checkNumberBody = compileCheck<{ nhsNumber: string }>('body', object({ nhsNumber }, ['nhsNumber']))

export interface PairBody {
  superseded: string
  successor: string
}
const pair = { superseded: nhsNumber, successor: nhsNumber }
export const checkPairBody = compileCheck<PairBody>('body', object(pair, ['superseded', 'successor']))

export interface UndoBody extends ReasonBody {
  confirm: number
}
export const checkUndoBody = compileCheck<UndoBody>('body', object({ reason, confirm }, ['reason', 'confirm']))

export interface MergeBody extends PairBody, UndoBody {}
export const checkMergeBody = compileCheck<MergeBody>(
  'body',
  object({ ...pair, reason, confirm }, ['superseded', 'successor', 'reason', 'confirm'])
)

export const checkEmptyBody = compileCheck<Record<string, never>>('body', object({}))

export interface DuplicatesQuery extends Page {
  state?: ReviewState[]
  type?: VaccineType
  supplier?: string
  record?: string
}
export const checkDuplicatesQuery = compileCheck<DuplicatesQuery>(
  'query',
  object({
    state: { type: 'array', items: { enum: REVIEW_STATES }, minItems: 1, uniqueItems: true },
    type: { enum: Object.keys(VACCINE_TYPES) },
    supplier: name,
    record: id,
    limit,
    after: place
  })
)

const CHOICES = [...new Set<ReviewChoice>(Object.values(REVIEW_CHOICES).flat())]

export interface DecideBody extends ReasonBody {
  decision: ReviewChoice
}
export const checkDecideBody = compileCheck<DecideBody>(
  'body',
  object({ decision: { enum: CHOICES }, reason }, ['decision', 'reason'])
)

export interface WeightsBody {
  /** Name of the file, as `dedup-1.1.0.yaml`. */
  file: string
  text: string
  since?: string
  after?: string
  limit?: number
}
export const checkWeightsBody = compileCheck<WeightsBody>(
  'body',
  object(
    {
      file: { type: 'string', minLength: 1, maxLength: 200 },
      text: { type: 'string', minLength: 1, maxLength: 200_000 },
      since: moment,
      after: id,
      limit: { type: 'integer', minimum: 1, maximum: 2000 }
    },
    ['file', 'text']
  )
)

export interface ReplaysQuery {
  limit?: number
}
export const checkReplaysQuery = compileCheck<ReplaysQuery>('query', object({ limit }))

function object(properties: Record<string, object>, required: readonly string[] = []): object {
  return { type: 'object', properties, required, additionalProperties: false }
}
