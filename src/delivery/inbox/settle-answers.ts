// What follows from answers and from silence: a refusal holds the lane of its record, silence is told to a person.
import type { Log } from '../../queue/log.js'
import type { Database } from '../../storage/database.js'

export interface SettleDeps {
  database: Database
  log: Log
  now: () => Date
  newId: () => string
  /** Of this process: every held delivery is audited in its own transaction. */
  auditChainId: string
}

const AT_ONCE = 100

/** Any number of processes may do this at once: what one has done is not done again. */
export async function settleAnswers(deps: SettleDeps, destination: string): Promise<void> {
  const { acknowledgements } = deps.database.stores
  for (const { deliveryId, recordId } of await acknowledgements.expire(destination)) {
    deps.log.error({ destination, delivery_id: deliveryId, record_id: recordId }, 'acknowledgement.overdue')
  }
  for (const rejected of await acknowledgements.findRejected(destination, AT_ONCE)) {
    await settleRejected(deps, rejected)
  }
}

async function settleRejected(
  { database, log, now, newId, auditChainId }: SettleDeps,
  { deliveryId, recordId }: { deliveryId: string; recordId: string }
): Promise<void> {
  const followUpId = newId()
  const end = await database.transaction(async (stores) => {
    await stores.deliveries.lockRecords([recordId])
    const settled = await stores.acknowledgements.settleRejected(deliveryId, followUpId)
    if (settled?.kind !== 'held') return settled
    const { destination, version, reason } = settled
    const detail = { deliveryId, followUpId, destination, reason }
    await stores.audit.append(auditChainId, [
      { at: now(), actor: 'service', action: 'delivery.rejected', recordId, version, detail }
    ])
    return settled
  })
  if (end === undefined) return
  const { destination, version, reason: message } = end
  const fields = { destination, delivery_id: deliveryId, record_id: recordId, version, message }
  if (end.kind === 'held') log.error({ ...fields, follow_up_id: followUpId }, 'delivery.rejected')
  else log.warn(fields, 'delivery.rejected_overtaken')
}
