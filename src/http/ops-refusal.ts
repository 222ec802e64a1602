// What delivery refuses to do, as an answer of the door.
import type { Refused, ReplayRefusal } from '../delivery/replay.js'
import type { IssueCode } from '../fhir/issue.js'
import { doorFault } from './door-fault.js'

const ANSWERS: Record<ReplayRefusal, { status: number; code: IssueCode }> = {
  'unknown-destination': { status: 404, code: 'not-found' },
  'unknown-replay': { status: 404, code: 'not-found' },
  'not-planned': { status: 409, code: 'conflict' },
  'count-differs': { status: 412, code: 'conflict' },
  'another-runs': { status: 409, code: 'conflict' },
  'not-held': { status: 409, code: 'conflict' }
}

export function refusalOf({ why, message }: Refused): Error {
  const { status, code } = ANSWERS[why]
  return doorFault(status, code, `ops-${why}`, message)
}
