// What is served read-only beside Immunizations: one store for each type of resource.
import { AUDIT_SOURCE, type AuditRow } from './audit-source.js'
import { LINKAGE_SOURCE, type LinkageRow } from './linkage-source.js'
import { PROVENANCE_SOURCE, type ProvenanceRow } from './provenance-source.js'
import { createResourceStore, type ResourceStore } from './resource-query.js'
import { REVIEW_SOURCE, type ReviewRow } from './review-source.js'
import type { Sql } from './sql.js'

export interface ServedStores {
  linkages: ResourceStore<LinkageRow>
  reviews: ResourceStore<ReviewRow>
  provenances: ResourceStore<ProvenanceRow>
  auditEvents: ResourceStore<AuditRow>
}

export function createServedStores(sql: Sql): ServedStores {
  return {
    linkages: createResourceStore<LinkageRow>(sql, LINKAGE_SOURCE),
    reviews: createResourceStore<ReviewRow>(sql, REVIEW_SOURCE),
    provenances: createResourceStore<ProvenanceRow>(sql, PROVENANCE_SOURCE),
    auditEvents: createResourceStore<AuditRow>(sql, AUDIT_SOURCE)
  }
}
