// Replays as text: what a plan would do, what a replay did.
import type { PlanAnswer, ReplayAnswer, ReplaysAnswer, Wire } from '../http/ops-answers.js'
import type { Column } from './layout-columns.js'
import type { Terminal } from './terminal.js'
import { countWords, durationWords, momentWords, outcomeWords, rateWords } from './words.js'

type Progress = Wire<ReplayAnswer>['progress']

export function printPlan(plan: Wire<PlanAnswer>, destination: string, terminal: Terminal): void {
  if (plan.planned === 0) {
    terminal.print(`Nothing to send to ${destination} again: no delivery matches.`)
    return
  }
  const count = `${countWords(plan.planned)}${plan.more ? '+' : ''} ${plan.planned === 1 ? 'delivery' : 'deliveries'}`
  const records = `${countWords(plan.records)} ${plan.records === 1 ? 'record' : 'records'}`
  terminal.print({ text: `${count} for ${records} to ${destination}`, style: 'bold' })
  terminal.print(`replay ${plan.replayId}, can be started until ${momentWords(plan.expiresAt)} UTC`)
  terminal.print(`from ${momentWords(plan.oldest)} to ${momentWords(plan.newest)} UTC`)
  for (const [kind, found] of Object.entries(plan.byClass))
    terminal.print(`  ${countWords(found).padStart(7)}  ${kind}`)
  if (plan.more) terminal.print(`More match: this replay holds the first ${countWords(plan.planned)} of them.`)
  const seconds = durationWords(plan.estimatedSeconds)
  terminal.print(`takes about ${seconds} at ${rateWords(plan.ratePerSecond)} once started, if the destination answers`)
}

const COLUMNS: Column[] = [
  { head: 'REPLAY' },
  { head: 'STATE' },
  { head: 'DESTINATION' },
  { head: 'MODE', leaveOut: 4 },
  { head: 'COUNT', align: 'right' },
  { head: 'RATE', align: 'right', leaveOut: 5 },
  { head: 'BY', leaveOut: 2 },
  { head: 'PLANNED', leaveOut: 3 },
  { head: 'REASON', wraps: true, leaveOut: 1 }
]

export function printReplays(replays: Wire<ReplaysAnswer>['replays'], terminal: Terminal): void {
  if (replays.length === 0) {
    terminal.print('There was no replay yet.')
    return
  }
  terminal.printTable(
    COLUMNS,
    replays.map((replay) => [
      replay.replayId,
      replay.state,
      replay.destination,
      replay.mode,
      countWords(replay.planned),
      replay.ratePerSecond === null ? '-' : rateWords(replay.ratePerSecond),
      replay.actor,
      momentWords(replay.createdAt),
      replay.reason
    ])
  )
}

const ITEM_COLUMNS: Column[] = [
  { head: 'DELIVERY' },
  { head: 'RESULT' },
  { head: 'NOW' },
  { head: 'LAST', leaveOut: 2 },
  { head: 'WHY', wraps: true, leaveOut: 1 }
]

export function printReplay(replay: Wire<ReplayAnswer>, terminal: Terminal): void {
  const { progress, planned } = replay
  const because = replay.pausedBecause === null ? '' : `: ${replay.pausedBecause}`
  terminal.print({ text: `Replay ${replay.replayId}`, style: 'bold' }, ` ${replay.state}${because}`)
  const count = `${countWords(planned)} ${planned === 1 ? 'delivery' : 'deliveries'}`
  terminal.print(`${replay.mode} of ${count} to ${replay.destination}, by ${replay.actor}: ${replay.reason}`)
  terminal.print(
    `planned ${momentWords(replay.createdAt)}, started ${momentWords(replay.startedAt)}, finished ${momentWords(replay.finishedAt)} UTC`
  )
  if (replay.approvalNeeded !== null) terminal.print(`approved by ${replay.approvedBy ?? 'nobody yet'}`)
  terminal.print(progressWords(progress))
  if (replay.ratePerSecond !== null)
    terminal.print(
      `at ${rateWords(replay.ratePerSecond)}, lately ${rateWords(progress.endedPerSecond)}${leftWords(replay.secondsLeft)}`
    )
  if (replay.items.length === 0) return
  terminal.print()
  terminal.printTable(
    ITEM_COLUMNS,
    replay.items.map((item) => [
      item.deliveryId,
      item.result ?? 'left',
      item.state ?? '-',
      outcomeWords(null, item.class),
      item.reason ?? ''
    ])
  )
}

/** Always the main four, the others where there are any. */
export function progressWords({ delivered, failed, skipped, left, waiting, retrying, blocked }: Progress): string {
  const rare = [
    [waiting, 'waiting'],
    [retrying, 'tried again by themselves'],
    [blocked, 'behind an earlier version']
  ] as const
  return [
    `${countWords(delivered)} delivered`,
    `${countWords(failed)} failed`,
    `${countWords(skipped)} skipped`,
    `${countWords(left)} left`,
    ...rare.flatMap(([count, words]) => (count === 0 ? [] : [`${countWords(count)} ${words}`]))
  ].join(', ')
}

export function leftWords(secondsLeft: number | null): string {
  return secondsLeft === null ? '' : `, about ${durationWords(secondsLeft)} to go`
}
