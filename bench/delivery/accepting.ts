// The accepting use case with the rules of the service, in the process that delivers.
import { uuidv7 } from 'uuidv7'
import { createBlocks } from '../../src/dedup/patient-block.js'
import { createIngest } from '../../src/ingest/ingest.js'
import { clientOf, payloadOf, rules } from '../../test/support/ingest-rig.js'
import { syntheticImmunization } from '../../test/support/synthetic.js'
import type { Line } from './line.js'
import type { Sink } from './sink.js'

export interface Accepting {
  /** Resolves with the id of the record once it is committed. @throws Error when it is not accepted */
  accept(n: number): Promise<string>
  close(): Promise<void>
}

export async function openAccepting(
  { database }: Pick<Line, 'database'>,
  { destinations }: Sink,
  onCommitted: () => void
): Promise<Accepting> {
  const auditChainId = uuidv7()
  await database.stores.audit.openChain(auditChainId, 'bench')
  const now = (): Date => new Date()
  const ingest = createIngest({
    database,
    judges: rules,
    rules,
    blockOf: createBlocks(Buffer.alloc(32)),
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
  return {
    async accept(n) {
      const payload = payloadOf(syntheticImmunization({ n, vaccineType: 'FLU' }))
      const [verdict] = await ingest.accept([
        { kind: 'create', payload, caller, requestId: uuidv7(), receivedAt: now() }
      ])
      if (verdict?.status !== 201 || verdict.record === undefined)
        throw new Error(`not accepted: ${JSON.stringify(verdict?.issues)}`)
      return verdict.record.recordId
    },
    close: () => ingest.close()
  }
}
