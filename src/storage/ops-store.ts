// What the operations screens read: health, deliveries, the story of a record, refusals and the audit trail.
// Nothing here writes (but what the invariants found), and nothing here reads a body, a name, an NHS number or a date of a vaccination.
import { createOpsAttemptQueries, type OpsAttemptQueries } from './ops-attempt-queries.js'
import { createOpsDeliveryQueries, type OpsDeliveryQueries } from './ops-delivery-queries.js'
import { createOpsHealthQueries, type OpsHealthQueries } from './ops-health-queries.js'
import { createOpsInboxQueries, type OpsInboxQueries } from './ops-inbox-queries.js'
import { createOpsInvariantQueries, type OpsInvariantQueries } from './ops-invariant-queries.js'
import { createOpsRecordQueries, type OpsRecordQueries } from './ops-record-queries.js'
import { createOpsTrailQueries, type OpsTrailQueries } from './ops-trail-queries.js'
import { createOpsVitalsQueries, type OpsVitalsQueries } from './ops-vitals-queries.js'
import type { Sql } from './sql.js'

export interface OpsStore
  extends
    OpsHealthQueries,
    OpsDeliveryQueries,
    OpsInboxQueries,
    OpsRecordQueries,
    OpsTrailQueries,
    OpsInvariantQueries,
    OpsAttemptQueries,
    OpsVitalsQueries {}

export function createOpsStore(sql: Sql): OpsStore {
  return {
    ...createOpsHealthQueries(sql),
    ...createOpsDeliveryQueries(sql),
    ...createOpsInboxQueries(sql),
    ...createOpsRecordQueries(sql),
    ...createOpsTrailQueries(sql),
    ...createOpsInvariantQueries(sql),
    ...createOpsAttemptQueries(sql),
    ...createOpsVitalsQueries(sql)
  }
}
