// Whether a person must look at what receivers said later, or did not say.
import type { InboxHealth } from '../storage/ops-inbox-queries.js'
import { moment } from './moment.js'

/** A mailbox that cannot be looked into for longer than this is trouble. */
const FAILING_SECONDS = 15 * 60

export function findInboxTroubles({ overdue, unknown, failingSince, fault }: InboxHealth, now: Date): string[] {
  const isFailing = failingSince !== null && now.getTime() - failingSince.getTime() > FAILING_SECONDS * 1_000
  return [
    ...(overdue === 0 ? [] : [`${overdue} ${overdue === 1 ? 'acknowledgement' : 'acknowledgements'} overdue`]),
    ...(unknown === 0
      ? []
      : [`${unknown} ${unknown === 1 ? 'message' : 'messages'} in the inbox that nobody understands`]),
    ...(isFailing
      ? [`the inbox cannot be read since ${moment(failingSince)} (${fault ?? 'no reason was recorded'})`]
      : [])
  ]
}
