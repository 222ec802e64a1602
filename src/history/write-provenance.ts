// Who sent a version of a record, when and by which request, as FHIR R4 Provenance.
// http://hl7.org/fhir/R4/provenance.html, checked 2026-11-22.
import type { Provenance } from 'fhir/r4.js'
import { CLIENT_SYSTEM, HUB_CODE_SYSTEM, REQUEST_ID_SYSTEM } from '../fhir/identifier-systems.js'
import type { SentVersion } from '../storage/history-store.js'

export function provenanceId({ recordId, recordVersion }: Pick<SentVersion, 'recordId' | 'recordVersion'>): string {
  return `${recordId}-${recordVersion}`
}

/** JSON text. */
export function toProvenance(sent: SentVersion): string {
  const { recordId, recordVersion, operation, supplier, requestId, lastUpdated, reason } = sent
  const recorded = lastUpdated.toISOString()
  return JSON.stringify({
    resourceType: 'Provenance',
    id: provenanceId(sent),
    meta: { versionId: '1', lastUpdated: recorded },
    target: [{ reference: `Immunization/${recordId}/_history/${recordVersion}`, type: 'Immunization' }],
    recorded,
    ...(reason === null ? {} : { reason: [{ text: reason }] }),
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
