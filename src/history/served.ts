// The resources that are served read-only beside Immunization, each read and searched in the same way.
import type { ServedStores } from '../storage/served-stores.js'
import { auditKind } from './audit-event.js'
import type { Cursors } from './cursor.js'
import { linkageKind } from './linkage.js'
import { provenanceKind } from './provenance.js'
import type { ReadNote } from './read-audit.js'
import { createResourceReads, type ResourceReads } from './resource-reads.js'
import { reviewKind } from './review-task.js'

export interface ServedDeps {
  stores: ServedStores
  cursors: Cursors
  /** Told of every read, for the audit trail. */
  note: (note: ReadNote) => void
}

export function createServed({ stores, ...deps }: ServedDeps): ResourceReads[] {
  return [
    createResourceReads(linkageKind(stores.linkages), deps),
    createResourceReads(reviewKind(stores.reviews), deps),
    createResourceReads(provenanceKind(stores.provenances), deps),
    createResourceReads(auditKind(stores.auditEvents), deps)
  ]
}
