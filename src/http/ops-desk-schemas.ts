// What may be asked of the desk: proofs, probes, limits, attempts as they end.
import { compileCheck } from './ops-check.js'
import type { ReasonBody } from './ops-schemas.js'

const name = { type: 'string', minLength: 1, maxLength: 100 }
const moment = { type: 'string', format: 'moment' }
const reason = { type: 'string', maxLength: 500, format: 'reason' }

export interface VerifyBody {
  since?: string
  destination?: string
  record?: string
  /** Records to ask each receiver about. */
  sample?: number
}
export const checkVerifyBody = compileCheck<VerifyBody>(
  'body',
  object({
    since: moment,
    destination: name,
    record: { type: 'string', format: 'uuid' },
    sample: { type: 'integer', minimum: 0, maximum: 200 }
  })
)

export interface BreakerBody extends ReasonBody {
  state: 'open' | 'closed'
  /** How long nothing goes, where it is opened. */
  forSeconds?: number
}
export const checkBreakerBody = compileCheck<BreakerBody>(
  'body',
  object(
    { state: { enum: ['open', 'closed'] }, forSeconds: { type: 'integer', minimum: 1, maximum: 86_400 }, reason },
    ['state', 'reason']
  )
)

export interface LimitsBody extends ReasonBody {
  ratePerSecond?: number
  concurrency?: number
  /** Back to what the destinations file says, before anything else that is given. */
  reset?: boolean
}
export const checkLimitsBody = compileCheck<LimitsBody>(
  'body',
  object(
    {
      ratePerSecond: { type: 'number', exclusiveMinimum: 0, maximum: 100_000 },
      concurrency: { type: 'integer', minimum: 1, maximum: 256 },
      reset: { type: 'boolean' },
      reason
    },
    ['reason']
  )
)

export interface AttemptsQuery {
  destination?: string
  /** The `next` of an earlier answer; without it, what ended in the last few seconds. */
  after?: string
  limit?: number
}
export const checkAttemptsQuery = compileCheck<AttemptsQuery>(
  'query',
  object({ destination: name, after: moment, limit: { type: 'integer', minimum: 1, maximum: 500 } })
)

/** `after`: as of {@link AttemptsQuery}, or the id of the last event that was read. */
export const checkTailQuery = compileCheck<Pick<AttemptsQuery, 'destination' | 'after'>>(
  'query',
  object({ destination: name, after: moment })
)

export const checkBoardOpenQuery = compileCheck<{ ticket: string }>(
  'query',
  object({ ticket: { type: 'string', minLength: 1, maxLength: 1_000 } }, ['ticket'])
)

function object(properties: Record<string, object>, required: readonly string[] = []): object {
  return { type: 'object', properties, required, additionalProperties: false }
}
