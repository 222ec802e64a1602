// What delivery refuses to do, as an answer of the door.
import type { Refused, ReplayRefusal } from '../delivery/replay-refusal.js'
import type { IssueCode } from '../fhir/issue.js'
import { doorFault } from './door-fault.js'

const ANSWERS: Record<ReplayRefusal, { status: number; code: IssueCode }> = {
  'unknown-destination': { status: 404, code: 'not-found' },
  'unknown-replay': { status: 404, code: 'not-found' },
  'unknown-delivery': { status: 404, code: 'not-found' },
  'not-delivered': { status: 409, code: 'conflict' },
  'stale-version': { status: 409, code: 'conflict' },
  'not-planned': { status: 409, code: 'conflict' },
  'count-differs': { status: 412, code: 'conflict' },
  'another-runs': { status: 409, code: 'conflict' },
  'not-running': { status: 409, code: 'conflict' },
  'not-paused': { status: 409, code: 'conflict' },
  'replay-ended': { status: 409, code: 'conflict' },
  'plan-expired': { status: 409, code: 'conflict' },
  'destination-closed': { status: 409, code: 'conflict' },
  'approval-needed': { status: 409, code: 'conflict' },
  'approval-needless': { status: 409, code: 'conflict' },
  'same-person': { status: 409, code: 'conflict' },
  'rate-too-high': { status: 409, code: 'conflict' },
  'rate-unknown': { status: 409, code: 'conflict' },
  'reason-needed': { status: 400, code: 'required' },
  'not-held': { status: 409, code: 'conflict' }
}

export function refusalOf({ why, message }: Refused): Error {
  const { status, code } = ANSWERS[why]
  return doorFault(status, code, `ops-${why}`, message)
}
