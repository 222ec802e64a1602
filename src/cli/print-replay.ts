// Replays as text: what a plan would do, what a replay did.
import type { PlanAnswer, ReplayAnswer, ReplaysAnswer, Wire } from '../http/ops-answers.js'
import type { Column } from './layout-columns.js'
import type { Terminal } from './terminal.js'
import { ageWords, momentWords, outcomeWords, plural } from './words.js'

export function printPlan(plan: Wire<PlanAnswer>, destination: string, terminal: Terminal): void {
  if (plan.planned === 0) {
    terminal.print(`Nothing to send to ${destination} again: no delivery matches.`)
    return
  }
  const deliveries = plural(plan.planned, 'delivery', 'deliveries')
  terminal.print({ text: `${deliveries} for ${plural(plan.records, 'record')} to ${destination}`, style: 'bold' })
  terminal.print(`replay ${plan.replayId}`)
  terminal.print(`planned from ${momentWords(plan.oldest)} to ${momentWords(plan.newest)} UTC`)
  for (const [kind, count] of Object.entries(plan.byClass)) terminal.print(`  ${String(count).padStart(7)}  ${kind}`)
  terminal.print(`takes about ${ageWords(plan.estimatedSeconds)} once started, if the destination answers`)
}

const COLUMNS: Column[] = [
  { head: 'REPLAY' },
  { head: 'STATE' },
  { head: 'DESTINATION' },
  { head: 'COUNT', align: 'right' },
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
      String(replay.planned),
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
  const { progress } = replay
  terminal.print({ text: `Replay ${replay.replayId}`, style: 'bold' }, ` ${replay.state}`)
  terminal.print(
    `${plural(replay.planned, 'delivery', 'deliveries')} to ${replay.destination}, by ${replay.actor}: ${replay.reason}`
  )
  terminal.print(
    `planned ${momentWords(replay.createdAt)}, started ${momentWords(replay.startedAt)}, finished ${momentWords(replay.finishedAt)} UTC`
  )
  terminal.print(
    `sent again ${progress.requeued}: delivered ${progress.delivered}, held ${progress.held}, waiting ${progress.waiting}; skipped ${progress.skipped}`
  )
  if (replay.items.length === 0) return
  terminal.print()
  terminal.printTable(
    ITEM_COLUMNS,
    replay.items.map((item) => [
      item.deliveryId,
      item.result ?? 'planned',
      item.state,
      outcomeWords(null, item.class),
      item.reason ?? ''
    ])
  )
}
