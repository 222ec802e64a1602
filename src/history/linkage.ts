// Event groups as FHIR R4 Linkage: which records are of one jab, and which of them counts.
import type { Linkage, LinkageItem } from 'fhir/r4.js'
import { CLIENT_SYSTEM } from '../fhir/identifier-systems.js'
import type { LinkageRow } from '../storage/linkage-source.js'
import type { ResourceFilter, ResourceStore } from '../storage/resource-query.js'
import { idParameter, lastUpdatedParameter, PATIENT_PARAMETER, recordParameter } from './resource-parameters.js'
import type { ResourceKind } from './resource-reads.js'
import { RECORD_ID } from './search-demand.js'

export function linkageKind(rows: ResourceStore<LinkageRow>): ResourceKind<ResourceFilter, LinkageRow> {
  return {
    type: 'Linkage',
    documentation:
      'Records of one vaccination, as deduplication or a reviewer linked them: source is the record that counts, ' +
      'alternate another report or a component of it, historical a report that is no primary source. Only records ' +
      'of vaccine types that the client may read are listed; with fewer than two of them there is no Linkage. An item without a reference is external: a register ' +
      'holds it from others, and it is read-only.',
    byVaccineType: true,
    id: RECORD_ID,
    parameters: [
      idParameter(RECORD_ID),
      recordParameter('item', 'Linkage-item', 'A record that is linked', 'any'),
      recordParameter('source', 'Linkage-source', 'The record that counts', 'any'),
      PATIENT_PARAMETER,
      lastUpdatedParameter('When the group was last formed')
    ],
    needs: ['item', 'source', 'patient.identifier', '_id'],
    rows,
    write: (row) => JSON.stringify(toLinkage(row))
  }
}

export function toLinkage({ id, version, lastUpdated, active, members, elsewhere }: LinkageRow): Linkage {
  const [first, ...others] = members.map(({ recordId, role }): LinkageItem => ({
    // R4 has no code for a component: it is another report of a part of the same event.
    type: role === 'component' ? 'alternate' : role,
    resource: { reference: `Immunization/${recordId}`, type: 'Immunization' }
  }))
  if (first === undefined) throw new Error(`event group ${id} has no members`)
  return {
    resourceType: 'Linkage',
    id,
    meta: { versionId: String(version), lastUpdated: lastUpdated.toISOString() },
    active,
    author: {
      type: 'Organization',
      identifier: { system: CLIENT_SYSTEM, value: 'service' },
      display: 'Immunisation Hub'
    },
    item: [first, ...others, ...(elsewhere ?? []).map(toExternalItem)]
  }
}

// It is no record of the Hub and cannot be read here: whoever holds it knows it by its identifier.
function toExternalItem({
  source,
  system,
  value,
  primarySource
}: NonNullable<LinkageRow['elsewhere']>[number]): LinkageItem {
  return {
    type: primarySource ? 'alternate' : 'historical',
    resource: { type: 'Immunization', identifier: { system, value }, display: `External: held by ${source}, read-only` }
  }
}
