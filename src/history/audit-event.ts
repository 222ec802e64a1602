// Entries of the audit trail as FHIR R4 AuditEvent: who did or read what, for staff of the Hub. Never an NHS number.
import type { AuditEvent, AuditEventEntity, AuditEventEntityDetail, Coding } from 'fhir/r4.js'
import { CLIENT_SYSTEM, HUB_CODE_SYSTEM, PATIENT_KEY_SYSTEM } from '../fhir/identifier-systems.js'
import type { AuditRow } from '../storage/audit-source.js'
import type { ResourceFilter, ResourceStore } from '../storage/resource-query.js'
import { PROVENANCE_ID } from './provenance.js'
import {
  codeParameter,
  idParameter,
  instantParameter,
  lastUpdatedParameter,
  PATIENT_PARAMETER,
  recordParameter,
  type FilterParameter
} from './resource-parameters.js'
import type { ResourceKind } from './resource-reads.js'
import { parseToken } from './search-value.js'

const INTERACTION_SYSTEM = 'http://hl7.org/fhir/restful-interaction'
const ENTITY_TYPE_SYSTEM = 'http://terminology.hl7.org/CodeSystem/audit-entity-type'
const OBJECT_ROLE_SYSTEM = 'http://terminology.hl7.org/CodeSystem/object-role'
const ACTIONS = { system: 'http://hl7.org/fhir/audit-event-action', codes: ['C', 'R', 'U', 'D', 'E'] }

export function auditKind(rows: ResourceStore<AuditRow>): ResourceKind<ResourceFilter, AuditRow> {
  return {
    type: 'AuditEvent',
    documentation:
      'The audit trail, a hash chain: accepted writes, what operations staff did, and who read or searched what. Wants ' +
      'the scope ops/read as well. A patient is named by a key of the Hub, never by an NHS number.',
    byVaccineType: false,
    staffOnly: true,
    // Chain and position, in the same shape.
    id: PROVENANCE_ID,
    parameters: [
      idParameter(PROVENANCE_ID),
      instantParameter('date', 'AuditEvent-date', 'When it happened'),
      AGENT,
      recordParameter('entity', 'AuditEvent-entity', 'The record that was written or read', 'named'),
      codeParameter('action', 'AuditEvent-action', ACTIONS),
      SUBTYPE,
      PATIENT_PARAMETER,
      lastUpdatedParameter('When it happened')
    ],
    rows,
    write: (row) => JSON.stringify(toAuditEvent(row))
  }
}

const AGENT: FilterParameter = {
  name: 'agent',
  type: 'reference',
  definition: 'http://hl7.org/fhir/SearchParameter/AuditEvent-agent',
  documentation: `Who did it: the name of a client, or :identifier with ${CLIENT_SYSTEM}|{name}.`,
  modifier: 'identifier',
  demand(alternatives) {
    const tokens = alternatives.map(parseToken)
    if (tokens.some(({ system, code }) => (system ?? CLIENT_SYSTEM) !== CLIENT_SYSTEM || code === ''))
      return `must be the name of a client, or ${CLIENT_SYSTEM}|{name}`
    return { kind: 'any-of', name: 'agent', anyOf: tokens.map(({ code }) => code) }
  }
}

const SUBTYPE: FilterParameter = {
  name: 'subtype',
  type: 'token',
  definition: 'http://hl7.org/fhir/SearchParameter/AuditEvent-subtype',
  documentation: 'An interaction (create, read, search-type …) or an action of the Hub (replay.start …).',
  demand(alternatives) {
    const tokens = alternatives.map(parseToken)
    if (tokens.some(({ system, code }) => !SUBTYPE_SYSTEMS.has(system ?? HUB_CODE_SYSTEM) || code === ''))
      return `must be a code, with or without one of the systems ${[...SUBTYPE_SYSTEMS].join(', ')}`
    return { kind: 'any-of', name: 'subtype', anyOf: tokens.map(({ code }) => code) }
  }
}
const SUBTYPE_SYSTEMS = new Set([INTERACTION_SYSTEM, HUB_CODE_SYSTEM])

export function toAuditEvent(row: AuditRow): AuditEvent {
  const { id, lastUpdated, interaction, letter, actor } = row
  const recorded = lastUpdated.toISOString()
  const entities = [...recordOf(row), ...patientOf(row)]
  return {
    resourceType: 'AuditEvent',
    id,
    meta: { versionId: '1', lastUpdated: recorded },
    type: interaction === null ? APPLICATION : REST,
    subtype: [
      ...(interaction === null ? [] : [{ system: INTERACTION_SYSTEM, code: interaction }]),
      { system: HUB_CODE_SYSTEM, code: row.action }
    ],
    action: letter,
    recorded,
    // What failed is not in the trail: refused submissions are kept elsewhere.
    outcome: '0',
    agent: [{ who: { identifier: { system: CLIENT_SYSTEM, value: actor } }, requestor: true }],
    source: {
      site: row.process,
      observer: { identifier: { system: CLIENT_SYSTEM, value: 'service' }, display: 'Immunisation Hub' }
    },
    ...withDetail(entities, row)
  }
}

const REST: Coding = {
  system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
  code: 'rest',
  display: 'RESTful Operation'
}
const APPLICATION: Coding = {
  system: 'http://dicom.nema.org/resources/ontology/DCM',
  code: '110100',
  display: 'Application Activity'
}

function recordOf({ recordId, recordVersion }: AuditRow): AuditEventEntity[] {
  if (recordId === null) return []
  const version = recordVersion === null ? '' : `/_history/${recordVersion}`
  return [
    {
      what: { reference: `Immunization/${recordId}${version}`, type: 'Immunization' },
      type: { system: ENTITY_TYPE_SYSTEM, code: '2', display: 'System Object' },
      role: { system: OBJECT_ROLE_SYSTEM, code: '4', display: 'Domain Resource' }
    }
  ]
}

function patientOf({ patientKey }: AuditRow): AuditEventEntity[] {
  if (patientKey === null) return []
  return [
    {
      what: { type: 'Patient', identifier: { system: PATIENT_KEY_SYSTEM, value: patientKey } },
      type: { system: ENTITY_TYPE_SYSTEM, code: '1', display: 'Person' },
      role: { system: OBJECT_ROLE_SYSTEM, code: '1', display: 'Patient' }
    }
  ]
}

// What else is known of the act stands with the first thing it was done to.
function withDetail(
  entities: readonly AuditEventEntity[],
  { detail, action }: AuditRow
): { entity?: AuditEventEntity[] } {
  const said = Object.entries(detail).flatMap(([type, value]): AuditEventEntityDetail[] => {
    const text = typeof value === 'string' ? value.trim() : JSON.stringify(value)
    return text === '' || text === '[]' || text === '{}' ? [] : [{ type, valueString: text }]
  })
  const [first = { name: action }, ...others] = entities
  if (said.length === 0 && entities.length === 0) return {}
  return { entity: [said.length === 0 ? first : { ...first, detail: said }, ...others] }
}
