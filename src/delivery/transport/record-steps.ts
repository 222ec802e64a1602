// Bringing one version of a record to a receiver that can be asked, and that others may change: one step after the other,
// each chosen by what the last one met.
import type { DeliveryOutcome } from '../destination.js'

/** Writes of one attempt. More would mean that somebody else writes the same record at the same moment. */
const MAX_WRITES = 4

/** The last step. */
export interface End {
  do: 'end'
  outcome: DeliveryOutcome
}

/** A record as the receiver has it. */
export interface RemoteRecord {
  id: string
  version?: string
}

/** `take` makes one step and gives the next. `writes` names the steps that may change the receiver. */
export async function takeSteps<Step extends { do: string }>(
  first: Step | End,
  writes: readonly string[],
  take: (step: Step) => Promise<Step | End>
): Promise<DeliveryOutcome> {
  let step = first
  for (let written = 0; ;) {
    if (isEnd(step)) return step.outcome
    if (writes.includes(step.do)) written++
    if (written > MAX_WRITES) return contended
    step = await take(step)
  }
}

function isEnd(step: { do: string }): step is End {
  return step.do === 'end'
}

const contended: DeliveryOutcome = {
  kind: 'unavailable',
  ambiguous: false,
  message: `the record changed at the receiver during ${MAX_WRITES} writes; trying later`
}

export function delivered(status: number, remote: RemoteRecord, message?: string): End {
  return { do: 'end', outcome: { kind: 'delivered', status, remote, ...(message === undefined ? {} : { message }) } }
}

/** To a question: nothing was changed by it. */
export const unreadable: End = {
  do: 'end',
  outcome: {
    kind: 'unavailable',
    ambiguous: false,
    status: 200,
    message: 'answered 200 with a body that cannot be read'
  }
}
