// Provenance as a served resource: one for every version there is.
import type { ProvenanceRow } from '../storage/provenance-source.js'
import type { ResourceFilter, ResourceStore } from '../storage/resource-query.js'
import { idParameter, instantParameter, lastUpdatedParameter, recordParameter } from './resource-parameters.js'
import type { ResourceKind } from './resource-reads.js'
import { toProvenance } from './write-provenance.js'

/** Id of the record and number of the version. */
export const PROVENANCE_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-[1-9]\d{0,8}$/

export function provenanceKind(rows: ResourceStore<ProvenanceRow>): ResourceKind<ResourceFilter, ProvenanceRow> {
  return {
    type: 'Provenance',
    documentation:
      'One for every version of every Immunization, deletes included: which client sent it, when, and by which request.',
    byVaccineType: true,
    id: PROVENANCE_ID,
    parameters: [
      idParameter(PROVENANCE_ID),
      recordParameter('target', 'Provenance-target', 'What was sent', 'named'),
      instantParameter('recorded', 'Provenance-recorded', 'When it was accepted'),
      lastUpdatedParameter('When it was accepted')
    ],
    needs: ['target', '_id'],
    rows,
    write: toProvenance
  }
}
