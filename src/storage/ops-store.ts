// What the operations screens read: health, deliveries, the story of a record, refusals and the audit trail.
// Nothing here writes, and nothing here reads a body, a name, an NHS number or a date of a vaccination.
import { createOpsDeliveryQueries, type OpsDeliveryQueries } from './ops-delivery-queries.js'
import { createOpsHealthQueries, type OpsHealthQueries } from './ops-health-queries.js'
import { createOpsInboxQueries, type OpsInboxQueries } from './ops-inbox-queries.js'
import { createOpsRecordQueries, type OpsRecordQueries } from './ops-record-queries.js'
import { createOpsTrailQueries, type OpsTrailQueries } from './ops-trail-queries.js'
import type { Sql } from './sql.js'

export interface OpsStore
  extends OpsHealthQueries, OpsDeliveryQueries, OpsInboxQueries, OpsRecordQueries, OpsTrailQueries {}

export function createOpsStore(sql: Sql): OpsStore {
  return {
    ...createOpsHealthQueries(sql),
    ...createOpsDeliveryQueries(sql),
    ...createOpsInboxQueries(sql),
    ...createOpsRecordQueries(sql),
    ...createOpsTrailQueries(sql)
  }
}
