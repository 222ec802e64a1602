// Whether a destination needs a person: the verdict of `imms status`, worst first.
import type { DestinationHealth } from '../storage/ops-health-queries.js'
import type { InboxHealth } from '../storage/ops-inbox-queries.js'
import { findInboxTroubles } from './judge-inbox.js'
import { moment } from './moment.js'

export interface JudgedDestination extends DestinationHealth {
  breaker: 'closed' | 'open'
  oldestUndeliveredSeconds: number | null
  /** Null for a destination that answers at once. */
  inbox: Omit<InboxHealth, 'destination'> | null
  verdict: 'ok' | 'trouble'
  /** What is wrong, in words; empty when nothing is. */
  troubles: string[]
  /** Commands that lead on. */
  next: string[]
}

export interface JudgedHealth {
  verdict: 'ok' | 'trouble'
  sentence: string
  destinations: JudgedDestination[]
}

/** Older than this and undelivered is trouble, whatever the reason. */
export const LATE_SECONDS = 15 * 60

export function judgeHealth(
  destinations: readonly DestinationHealth[],
  now: Date,
  inboxes: readonly InboxHealth[] = []
): JudgedHealth {
  const judged = destinations
    .map((health) => {
      const inbox = inboxes.find(({ destination }) => destination === health.destination)
      return { judged: judgeDestination(health, now, inbox), rank: rankOf(health, now, inbox) }
    })
    .sort(
      (left, right) =>
        right.rank - left.rank ||
        (right.judged.oldestUndeliveredSeconds ?? -1) - (left.judged.oldestUndeliveredSeconds ?? -1) ||
        left.judged.destination.localeCompare(right.judged.destination)
    )
    .map((entry) => entry.judged)
  const ill = judged.filter((destination) => destination.verdict === 'trouble')
  return {
    verdict: ill.length === 0 ? 'ok' : 'trouble',
    sentence: verdictSentence(judged.length, ill),
    destinations: judged
  }
}

function judgeDestination(health: DestinationHealth, now: Date, inbox: InboxHealth | undefined): JudgedDestination {
  const troubles: string[] = []
  const next: string[] = []
  const name = health.destination
  if (isBreakerOpen(health)) {
    const until = health.resumeAt === null ? '' : `, next try ${moment(health.resumeAt)}`
    troubles.push(`breaker open since ${moment(health.breakerOpenedAt ?? now)}${reasonOf(health)}${until}`)
    next.push(`imms errors top --destination ${name}`)
  } else if (health.resumeAt !== null && health.resumeAt > now && isLate(health, now)) {
    troubles.push(`nothing is sent before ${moment(health.resumeAt)}${reasonOf(health)}`)
  }
  if (health.held > 0) {
    troubles.push(`${health.held} held: a person must look`)
    next.push(`imms deliveries list --destination ${name} --state held`)
  }
  if (health.state === 'paused') {
    troubles.push('paused')
    next.push(`imms destination resume ${name} --reason "<why>"`)
  }
  if (isLate(health, now)) {
    troubles.push(`oldest undelivered waits since ${moment(health.oldestUndeliveredAt ?? now)}`)
    if (next.length === 0)
      next.push(`imms deliveries list --destination ${name} --state ready --state verify --state queued`)
  }
  const unanswered = inbox === undefined ? [] : findInboxTroubles(inbox, now)
  if (unanswered.length > 0) {
    troubles.push(...unanswered)
    next.push(`imms inbox list --destination ${name}`)
  }
  return {
    ...health,
    inbox: inbox === undefined ? null : withoutName(inbox),
    breaker: isBreakerOpen(health) ? 'open' : 'closed',
    oldestUndeliveredSeconds: ageSeconds(health, now),
    verdict: troubles.length === 0 ? 'ok' : 'trouble',
    troubles,
    next
  }
}

/** Open breaker before held before trouble with answers before paused before late before merely busy. */
function rankOf(health: DestinationHealth, now: Date, inbox: InboxHealth | undefined): number {
  return (
    (isBreakerOpen(health) ? 16 : 0) +
    (health.held > 0 ? 8 : 0) +
    (inbox !== undefined && findInboxTroubles(inbox, now).length > 0 ? 4 : 0) +
    (health.state === 'paused' ? 2 : 0) +
    (isLate(health, now) ? 1 : 0)
  )
}

function withoutName({ destination: _destination, ...inbox }: InboxHealth): Omit<InboxHealth, 'destination'> {
  return inbox
}

function isBreakerOpen(health: DestinationHealth): boolean {
  return health.breakerOpenedAt !== null
}

function isLate(health: DestinationHealth, now: Date): boolean {
  return (ageSeconds(health, now) ?? 0) > LATE_SECONDS
}

function ageSeconds(health: DestinationHealth, now: Date): number | null {
  if (health.oldestUndeliveredAt === null) return null
  return Math.max(0, Math.floor((now.getTime() - health.oldestUndeliveredAt.getTime()) / 1000))
}

function reasonOf(health: DestinationHealth): string {
  return health.resumeReason === null ? '' : ` (${health.resumeReason})`
}

function verdictSentence(count: number, ill: readonly JudgedDestination[]): string {
  if (count === 0) return 'No destination is known: nothing is delivered anywhere.'
  if (ill.length === 0) return count === 1 ? 'The one destination is well.' : `All ${count} destinations are well.`
  const each = ill.map((destination) => `${destination.destination}: ${destination.troubles.join(', ')}`)
  return `Trouble at ${ill.length} of ${count} ${count === 1 ? 'destination' : 'destinations'}. ${each.join('; ')}.`
}
