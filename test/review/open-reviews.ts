// The review desk on the database of a rig, by somebody who decides.
import { uuidv7 } from 'uuidv7'
import type { Wanting } from '../../src/delivery/plan-deliveries.js'
import { createDuplicateReviews } from '../../src/review/duplicate-reviews.js'
import type { ReviewChoice } from '../../src/storage/review-store.js'
import { rules, type IngestRig } from '../support/ingest-rig.js'

const BY = { actor: 'dr-adeyemi', reason: 'looked into both systems' }

export interface ReviewDesk {
  /** Decides on the first pair that the record is part of; undefined where there is none, or it may not be decided. */
  decide(recordId: string, choice: ReviewChoice): Promise<string | undefined>
  undo(decisionId: string): Promise<void>
}

export async function openReviewDesk(rig: IngestRig, destinations: readonly Wanting[]): Promise<ReviewDesk> {
  const auditChainId = uuidv7()
  await rig.database.stores.audit.openChain(auditChainId, 'reviews')
  const reviews = createDuplicateReviews({
    database: rig.database,
    rules,
    destinations,
    now: () => new Date(),
    newId: uuidv7,
    auditChainId,
    onCommitted: () => undefined
  })
  return {
    async decide(recordId, choice) {
      const [line] = (await reviews.list({ limit: 10, recordId })).pairs
      const answer = line && (await reviews.decide({ pairId: line.pairId, choice, ...BY }))
      return answer === undefined || 'kind' in answer ? undefined : answer.decision.decisionId
    },
    async undo(decisionId) {
      const answer = await reviews.undo({ decisionId, ...BY })
      if ('kind' in answer) throw new Error(`refused: ${answer.why}`)
    }
  }
}
