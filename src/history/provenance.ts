// Who sent a version of a record, when and by which request, as FHIR R4 Provenance: one for every version there is.
import type { Provenance } from 'fhir/r4.js'
import { CLIENT_SYSTEM, HUB_CODE_SYSTEM, REQUEST_ID_SYSTEM } from '../fhir/identifier-systems.js'
import type { ProvenanceRow } from '../storage/provenance-source.js'
import type { ResourceFilter, ResourceStore } from '../storage/resource-query.js'
import { idParameter, instantParameter, lastUpdatedParameter, recordParameter } from './resource-parameters.js'
import type { ResourceKind } from './resource-reads.js'

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

/** What a version tells of how it came. */
export type SentVersion = Pick<
  ProvenanceRow,
  'recordId' | 'recordVersion' | 'operation' | 'supplier' | 'requestId' | 'lastUpdated'
> & {
  /** Why it was deleted, where the sender said so. */
  reason?: string
}

/** JSON text. */
export function toProvenance(sent: SentVersion): string {
  const { recordId, recordVersion, operation, supplier, requestId, lastUpdated, reason } = sent
  const recorded = lastUpdated.toISOString()
  return JSON.stringify({
    resourceType: 'Provenance',
    id: `${recordId}-${recordVersion}`,
    meta: { versionId: '1', lastUpdated: recorded },
    target: [{ reference: `Immunization/${recordId}/_history/${recordVersion}`, type: 'Immunization' }],
    recorded,
    ...(reason === undefined ? {} : { reason: [{ text: reason }] }),
    activity: {
      coding: [
        { system: 'http://terminology.hl7.org/CodeSystem/v3-DataOperation', code: DATA_OPERATIONS[operation] },
        { system: HUB_CODE_SYSTEM, code: operation }
      ]
    },
    agent: [
      {
        type: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type', code: 'author' }]
        },
        who: { type: 'Organization', identifier: { system: CLIENT_SYSTEM, value: supplier } }
      }
    ],
    ...(requestId === null
      ? {}
      : { entity: [{ role: 'source', what: { identifier: { system: REQUEST_ID_SYSTEM, value: requestId } } }] })
  } satisfies Provenance)
}

// v3-DataOperation has no word for bringing back what was deleted; the Hub's own code says it.
const DATA_OPERATIONS = { create: 'CREATE', update: 'UPDATE', delete: 'DELETE', reinstate: 'UPDATE' } as const
