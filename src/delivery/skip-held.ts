// Giving up one held delivery, so that what waits behind it goes: said why, and audited in the same transaction.
import { auditReplay, type ActingFor, type ReplayDeps, type SkipAnswer } from './replay-acts.js'
import { refuseReplay } from './replay-refusal.js'

export async function skipHeld(
  deps: ReplayDeps,
  deliveryId: string,
  { actor, reason }: ActingFor
): Promise<SkipAnswer> {
  const answer = await deps.database.transaction(async (stores): Promise<SkipAnswer> => {
    const cancelled = await stores.deliveries.cancelHeld([deliveryId])
    const lane = cancelled.lanes[0]
    if (!lane) {
      return refuseReplay('not-held', `Delivery ${deliveryId} is not held: only what is held can be skipped`)
    }
    const detail = { deliveryId, destination: lane.destination, reason, promoted: cancelled.promoted }
    const { recordId } = lane
    await auditReplay(deps, stores, { actor, action: 'delivery.skip', recordId, detail })
    return { kind: 'skipped', promoted: cancelled.promoted > 0 }
  })
  if (answer.kind === 'skipped') deps.onRequeued?.()
  return answer
}
