// One release of one running replay: the items whose moments lie just ahead become due. In one transaction, so that a
// process that dies has released them all, with their results and the pace, or none.
import type { Database, Stores } from '../storage/database.js'
import type { NewItem, ReleasedItems, ReplayTurn, SettledItem, Spacing } from '../storage/replay-release.js'
import { planAgain } from './plan-again.js'
import type { Wanting } from './plan-deliveries.js'
import type { DeliveryPolicy } from './policy.js'
import { planRelease } from './replay-pace.js'

export interface ReleaseDeps {
  database: Database
  destinations: readonly Wanting[]
  policy: Pick<DeliveryPolicy, 'replay' | 'attempt'>
}

/** Gives how many items had their turn. 0 when another relay has the replay, or nothing may go now. */
export function releaseReplay(deps: ReleaseDeps, replayId: string): Promise<number> {
  return deps.database.transaction(async (stores) => {
    const turn = await stores.replays.takeTurn(replayId)
    if (turn === undefined) return 0
    const { items, ...spacing } = planRelease(turn, deps.policy.replay)
    if (items === 0) return 0
    const { requeued, skipped } = await releaseItems(deps, stores, turn, items, spacing)
    await stores.replays.keepPace(replayId, spacing.inMs + requeued * spacing.gapMs)
    return requeued + skipped
  })
}

async function releaseItems(
  { destinations, policy }: ReleaseDeps,
  stores: Stores,
  turn: ReplayTurn,
  items: number,
  spacing: Spacing
): Promise<ReleasedItems> {
  const { replayId, mode } = turn
  if (mode === 'retry') return stores.replays.requeue(replayId, items, spacing, policy.attempt.verifyAfterMs)
  const receiver = destinations.find(({ name }) => name === turn.destination)
  // A relay that does not know the destination leaves it to one that does.
  if (receiver === undefined) return { requeued: 0, skipped: 0 }
  return sendAgain(stores, { ...turn, mode }, await stores.replays.takeNew(replayId, items), receiver, spacing)
}

/** Resends and backfills: new deliveries at the ends of their lanes. */
async function sendAgain(
  { replays, deliveries, outbox }: Stores,
  { replayId, mode, allowStale, destination }: ReplayTurn & { mode: Exclude<ReplayTurn['mode'], 'retry'> },
  items: readonly NewItem[],
  receiver: Wanting,
  spacing: Spacing
): Promise<ReleasedItems> {
  const recordIds = [...new Set(items.map(({ recordId }) => recordId))]
  await deliveries.lockRecords(recordIds)
  const records = await replays.readRecords(destination, recordIds)
  const planned = items.map(({ deliveryId, recordId, version }) => {
    const record = records.get(recordId)
    return { deliveryId, recordId, record, again: planAgain(record, { mode, version, allowStale }, receiver) }
  })
  const made = planned.flatMap(({ deliveryId, recordId, record, again }) =>
    again.kind === 'skip' || record === undefined
      ? []
      : [{ deliveryId, destination, recordId, patientKey: record.patientKey, isAgain: true, ...sentOf(again) }]
  )
  await outbox.insert(made)
  const kind = mode === 'backfill' ? 'backfill' : 'resend'
  await replays.markMade(
    made.map(({ deliveryId }) => deliveryId),
    kind,
    spacing
  )
  await replays.settleNew(
    replayId,
    planned.map(({ deliveryId, again }): SettledItem => {
      return again.kind === 'skip' ? { deliveryId, skippedBecause: again.because } : { deliveryId }
    })
  )
  return { requeued: made.length, skipped: planned.length - made.length }
}

function sentOf({ version, operation }: Extract<ReturnType<typeof planAgain>, { kind: 'send' }>): {
  version: number
  operation: typeof operation
} {
  return { version, operation }
}
