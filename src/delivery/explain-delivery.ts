// One sentence about one delivery, and the commands that lead on.
import { explainAcknowledgement } from './explain-acknowledgement.js'
import type { StoryDelivery, StoryDestination } from '../storage/ops-record-queries.js'
import { moment } from './moment.js'

export interface Told {
  sentence: string
  /** Commands; empty when there is nothing to do but wait. */
  next: string[]
}

export interface Surroundings {
  recordId: string
  /** Every delivery of this record to this destination, in lane order. */
  lane: readonly StoryDelivery[]
  /** Undefined where the destination was never configured in this database. */
  destination: StoryDestination | undefined
  now: Date
}

export function explainDelivery(delivery: StoryDelivery, around: Surroundings): Told {
  const what = `Version ${delivery.version}${delivery.kind === 'live' ? '' : ` (${delivery.kind})`}`
  const subject = `${what} for ${delivery.destination}`
  switch (delivery.state) {
    case 'delivered': {
      const { words, next } = explainAcknowledgement(delivery)
      return told(`${what} reached ${delivery.destination} at ${at(delivery.finishedAt)}${words}.`, next)
    }
    case 'superseded':
      return explainSuperseded(subject, delivery)
    case 'cancelled':
      return told(`${subject} was skipped at ${at(delivery.finishedAt)}.`, [
        `imms audit list --record ${around.recordId}`
      ])
    case 'held':
      return told(`${subject} is ${stateOfHead(delivery)}.`, stepsForHeld(delivery))
    case 'blocked':
      return explainBlocked(subject, delivery, around.lane)
    case 'in_flight':
      return told(
        `${subject} is being sent now (attempt ${delivery.tries + 1}, until ${at(delivery.leaseUntil)} at most).`
      )
    case 'verify':
      return explainVerify(subject, delivery, around)
    case 'queued':
      return told(`${subject} is in the queue since ${at(delivery.queuedAt)}; a worker takes it next.`)
    case 'ready':
      return explainReady(subject, delivery, around)
  }
}

function explainSuperseded(subject: string, delivery: StoryDelivery): Told {
  const { supersededBy, operation, takeover, destination } = delivery
  const when = at(delivery.finishedAt)
  if (supersededBy !== null) {
    const { version, ...later } = supersededBy
    const isNothing = later.operation === 'delete' && later.state === 'superseded'
    const why = isNothing
      ? 'and took back what had not been sent'
      : `since ${destination} is sent the latest of what waits`
    return told(`${subject} was never sent: version ${version} took its place at ${when}, ${why}.`)
  }
  if (takeover !== null)
    return told(`${subject} was to be taken back there, but counted again at ${when}, before anything was sent.`)
  return operation === 'delete'
    ? told(`${subject} was not sent: when it came at ${when}, there was nothing to take back there.`)
    : told(`${subject} gave way to another record of the same jab at ${when}, before it was sent.`)
}

function explainBlocked(subject: string, delivery: StoryDelivery, lane: readonly StoryDelivery[]): Told {
  const head = lane.find((other) => other.laneSeq < delivery.laneSeq && isHead(other))
  if (head === undefined) {
    const { successor } = delivery
    if (successor !== null && !['delivered', 'superseded', 'cancelled'].includes(successor.state))
      return told(
        `${subject} is to be taken back there once record ${successor.recordId} of the same jab, which counts instead, has arrived; that one is ${successor.state}.`,
        [`imms explain ${successor.recordId}`]
      )
    return told(`${subject} waits behind an earlier version that has ended just now; it will be sent next.`)
  }
  const reason = `${subject} waits behind version ${head.version}, which is ${stateOfHead(head)}.`
  return told(reason, head.state === 'held' ? stepsForHeld(head) : [])
}

function isHead(delivery: StoryDelivery): boolean {
  return ['ready', 'queued', 'in_flight', 'verify', 'held'].includes(delivery.state)
}

function stateOfHead(head: StoryDelivery): string {
  if (head.state === 'held') return `held since ${at(head.lastAttemptAt ?? head.createdAt)} (${fault(head)})`
  if (head.state === 'verify') return `waiting to be looked up at the receiver (${fault(head)})`
  if (head.state === 'queued') return `in the queue since ${at(head.queuedAt)}`
  if (head.state === 'in_flight') return 'being sent now'
  return head.class === null
    ? 'not sent yet'
    : `due again at ${moment(head.dueAt)} after a failed attempt (${fault(head)})`
}

function explainVerify(subject: string, delivery: StoryDelivery, around: Surroundings): Told {
  const barrier = findBarrier(around)
  const when = barrier?.sentence ?? `from ${moment(delivery.dueAt)} on the receiver is asked, before it is sent again`
  return told(`${subject} may have arrived (${fault(delivery)}): ${when}.`, barrier?.next ?? [show(delivery)])
}

function explainReady(subject: string, delivery: StoryDelivery, around: Surroundings): Told {
  const barrier = findBarrier(around)
  if (barrier !== undefined) return told(`${subject} waits: ${barrier.sentence}.`, barrier.next)
  if (delivery.dueAt > around.now) {
    return told(`${subject} is ${stateOfHead(delivery)}.`, delivery.class === null ? [] : [show(delivery)])
  }
  return told(`${subject} is due since ${moment(delivery.dueAt)}; it is queued next.`)
}

/** What keeps the destination from being sent anything at all. */
function findBarrier({ destination, now }: Surroundings): Told | undefined {
  if (destination?.state === 'paused') {
    const name = destination.destination
    return told(`${name} is paused`, [`imms destination resume ${name} --reason "<why>"`])
  }
  const resumeAt = destination?.resumeAt ?? now
  if (destination === undefined || resumeAt <= now) return undefined
  const why = destination.resumeReason === null ? '' : ` (${destination.resumeReason})`
  return told(`nothing goes to ${destination.destination} before ${moment(resumeAt)}${why}`, ['imms status'])
}

function stepsForHeld(held: StoryDelivery): string[] {
  const ofClass = held.class === null ? '' : ` --class ${held.class}`
  return [
    show(held),
    `imms replay plan --destination ${held.destination} --state held${ofClass} --reason "<why>"`,
    `imms deliveries skip ${held.deliveryId} --reason "<why>"`
  ]
}

function fault(delivery: StoryDelivery): string {
  const kind = [delivery.status, delivery.class].filter((word) => word !== null).join(' ')
  const crashes = delivery.crashCount === 0 ? '' : `${kind === '' ? '' : ', '}${delivery.crashCount} crashed attempts`
  const message = delivery.message === null ? '' : `: ${delivery.message}`
  const words = `${kind}${crashes}${message}`
  return words === '' ? 'no reason was recorded' : words
}

function show(delivery: StoryDelivery): string {
  return `imms deliveries show ${delivery.deliveryId}`
}

function at(date: Date | null): string {
  return date === null ? 'an unknown moment' : moment(date)
}

function told(sentence: string, next: string[] = []): Told {
  return { sentence, next }
}
