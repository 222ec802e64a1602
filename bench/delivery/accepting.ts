// The accepting use case with the rules of the service, in the process that delivers.
import { uuidv7 } from 'uuidv7'
import { createIngest } from '../../src/ingest/ingest.js'
import { clientOf, payloadOf, rules } from '../../test/support/ingest-rig.js'
import { syntheticImmunization } from '../../test/support/synthetic.js'
import type { Line } from './line.js'
import type { Sink } from './sink.js'

const AT_ONCE = 64

/** Accepts as fast as it can; gives how many deliveries that made. */
export async function acceptRecords(
  { database }: Line,
  { destinations }: Sink,
  records: number,
  onCommitted: () => void
): Promise<number> {
  const auditChainId = uuidv7()
  await database.stores.audit.openChain(auditChainId, 'bench')
  const now = (): Date => new Date()
  const ingest = createIngest({
    database,
    judges: rules,
    rules,
    destinations,
    now,
    newId: uuidv7,
    auditChainId,
    onCommitted,
    onFault(error) {
      throw error
    }
  })
  const caller = clientOf('bench')
  let next = 0
  async function client(): Promise<void> {
    while (next < records) {
      const payload = payloadOf(syntheticImmunization({ n: next++, vaccineType: 'FLU' }))
      const [verdict] = await ingest.accept([
        { kind: 'create', payload, caller, requestId: uuidv7(), receivedAt: now() }
      ])
      if (verdict?.status !== 201) throw new Error(`not accepted: ${JSON.stringify(verdict?.issues)}`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, client))
  await ingest.close()
  return records * destinations.length
}
