// Who sent a version of an Immunization, when and in which request, as a Provenance made from what was kept with it.
// http://hl7.org/fhir/R4/provenance.html, checked 2026-11-22.
import type { Provenance } from 'fhir/r4.js'
import type { VersionOrigin } from '../storage/history-store.js'

/** A resource as JSON text, with its id. */
export interface ResourceText {
  id: string
  text: string
}

/** Makes the Provenance of each version, in the order given. */
export type ProvenanceOf = (versions: readonly VersionOrigin[]) => ResourceText[]

/** Names of clients, as their tokens give them. */
const CLIENT_SYSTEM = 'https://immunisation-hub.example/Id/client'
/** X-Request-ID of the request that made a version. */
const REQUEST_ID_SYSTEM = 'https://immunisation-hub.example/Id/request'
const PARTICIPANT_SYSTEM = 'http://terminology.hl7.org/CodeSystem/provenance-participant-type'

/** Codes of http://terminology.hl7.org/CodeSystem/v3-DataOperation. */
const ACTIVITIES = { create: 'CREATE', update: 'UPDATE', delete: 'DELETE', reinstate: 'REACTIVATE' } as const

export const provenanceOf: ProvenanceOf = (versions) =>
  versions.map((version) => {
    const provenance = toProvenance(version)
    return { id: provenance.id, text: JSON.stringify(provenance) }
  })

function toProvenance(origin: VersionOrigin): Provenance & { id: string } {
  const { recordId, version, operation, supplier, receivedAt, requestId } = origin
  const recorded = receivedAt.toISOString()
  return {
    resourceType: 'Provenance',
    // A version never changes, and neither does what is known of how it came.
    id: `${recordId}-${version}`,
    meta: { versionId: '1', lastUpdated: recorded },
    target: [{ reference: `Immunization/${recordId}/_history/${version}`, type: 'Immunization' }],
    recorded,
    activity: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-DataOperation', code: ACTIVITIES[operation] }]
    },
    agent: [
      {
        type: { coding: [{ system: PARTICIPANT_SYSTEM, code: 'author' }] },
        who: { identifier: { system: CLIENT_SYSTEM, value: supplier }, display: supplier }
      }
    ],
    ...(requestId === undefined
      ? {}
      : {
          entity: [{ role: 'source' as const, what: { identifier: { system: REQUEST_ID_SYSTEM, value: requestId } } }]
        })
  }
}
