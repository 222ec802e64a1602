// The document a GP practice files: a STU3 document Bundle led by a Composition.
// Source: nhsconnect/ITK-FHIR-Digital-Medicines (CareConnect-ITK-DM-Immunization-Composition-1), checked 2026-11-22.
import type { Identifier, Immunization, Patient } from 'fhir/r4.js'
import { ODS_CODE_SYSTEM, SNOMED_SYSTEM, VACCINATION_PROCEDURE_URL } from '../../fhir/identifier-systems.js'
import { toStu3Immunization } from './document-immunization.js'
import { toStu3Organization, toStu3Patient, toStu3Practitioner, type Stu3Resource } from './document-people.js'
import { XhtmlTable, type XmlElement } from './fhir-xml.js'
import { nameUuid } from './name-uuid.js'
import { oneCode, readable, readableName } from './stu3-types.js'

const UUID_SYSTEM = 'https://tools.ietf.org/html/rfc4122'

export interface GpDocument {
  recordId: string
  version: number
  /** Tells the documents of one record apart; the version, unless that is sent another time with another meaning. */
  edition: string
  /** Documents the practice was sent: this one takes their place. */
  replaces: readonly { recordId: string; edition: string }[]
  /** True when the immunisation is taken back: the document then says entered-in-error. */
  isWithdrawn: boolean
  resource: Immunization
  patient: Patient
  nhsNumber: Identifier | undefined
  now: Date
}

/** Every id follows from record and edition, so that a document sent twice is seen to be the same one. */
export function toGpDocument(document: GpDocument): Stu3Resource {
  const { resource, patient, nhsNumber } = document
  const idOf = (part: string): string => nameUuid(document.recordId, document.edition, part)
  const urnOf = (part: string): string => `urn:uuid:${idOf(part)}`
  const organization = resource.performer?.find(({ actor }) => actor.type === 'Organization')?.actor
  const manufacturer = resource.manufacturer?.display
  const immunization = toStu3Immunization(resource, idOf('immunization'), document.isWithdrawn, {
    patient: urnOf('patient'),
    encounter: urnOf('encounter'),
    practitioner: urnOf('practitioner'),
    ...(manufacturer === undefined ? {} : { manufacturer: urnOf('manufacturer') })
  })
  const ods = organization?.identifier?.system === ODS_CODE_SYSTEM ? organization.identifier.value : undefined
  const resources: Stu3Resource[] = [
    toComposition(document, idOf, urnOf),
    toEncounter(resource, idOf('encounter'), urnOf),
    immunization,
    toStu3Patient(patient, nhsNumber, idOf('patient')),
    toStu3Practitioner(resource, idOf('practitioner')),
    toStu3Organization({ ods, name: organization?.display }, idOf('organization')),
    ...(manufacturer === undefined ? [] : [toStu3Organization({ name: manufacturer }, idOf('manufacturer'))])
  ]
  return {
    resourceType: 'Bundle',
    id: idOf('document'),
    meta: {
      lastUpdated: document.now.toISOString(),
      profile: 'https://fhir.nhs.uk/STU3/StructureDefinition/ITK-Document-Bundle-1'
    },
    identifier: { system: UUID_SYSTEM, value: idOf('document-identifier') },
    type: 'document',
    entry: resources.map(toEntry)
  }
}

export function toEntry(resource: Stu3Resource): XmlElement {
  return { fullUrl: `urn:uuid:${resource.id}`, resource }
}

function toComposition(
  document: GpDocument,
  idOf: (part: string) => string,
  urnOf: (part: string) => string
): Stu3Resource {
  const { replaces } = document
  return {
    resourceType: 'Composition',
    id: idOf('composition'),
    meta: {
      versionId: String(document.version),
      profile: 'https://fhir.nhs.uk/STU3/StructureDefinition/CareConnect-ITK-DM-Immunization-Composition-1'
    },
    identifier: { system: UUID_SYSTEM, value: idOf('composition-identifier') },
    status: document.isWithdrawn ? 'entered-in-error' : replaces.length === 0 ? 'final' : 'amended',
    type: oneCode(SNOMED_SYSTEM, '41000179103', 'Immunisation record'),
    subject: { reference: urnOf('patient') },
    encounter: { reference: urnOf('encounter') },
    date: document.now.toISOString(),
    author: { reference: urnOf('practitioner') },
    title: 'Immunisation record',
    custodian: { reference: urnOf('organization') },
    relatesTo: replaces.map(({ recordId, edition }) => ({
      code: 'replaces',
      targetIdentifier: { system: UUID_SYSTEM, value: nameUuid(recordId, edition, 'composition-identifier') }
    })),
    section: toSections(document, urnOf)
  }
}

function toSections(document: GpDocument, urnOf: (part: string) => string): XmlElement[] {
  const { resource, patient, nhsNumber } = document
  const procedure = resource.extension?.find(({ url }) => url === VACCINATION_PROCEDURE_URL)?.valueCodeableConcept
  return [
    toSection('Attendance details', '1077881000000105', urnOf('encounter'), [
      ['Date and time of contact', resource.occurrenceDateTime]
    ]),
    toSection('Vaccinations', '1102181000000102', urnOf('immunization'), [
      ['Status', document.isWithdrawn ? 'Entered in error: take this record back' : 'Completed'],
      ['Vaccine product', readable(resource.vaccineCode)],
      ['Vaccine procedure', readable(procedure)],
      ['Date', resource.occurrenceDateTime],
      ['Batch number', resource.lotNumber],
      ['Site', readable(resource.site)],
      ['Route', readable(resource.route)]
    ]),
    toSection('Patient demographics', '886731000000109', urnOf('patient'), [
      ['Patient name', readableName(patient.name?.[0])],
      ['Date of birth', patient.birthDate],
      ['NHS number', nhsNumber?.value],
      ['Patient address', patient.address?.[0]?.postalCode]
    ])
  ]
}

function toSection(title: string, code: string, entry: string, rows: [string, string | undefined][]): XmlElement {
  const known = rows.filter((row): row is [string, string] => row[1] !== undefined && row[1] !== '')
  return {
    title,
    code: oneCode(SNOMED_SYSTEM, code, title),
    text: { status: 'additional', div: new XhtmlTable(known) },
    entry: { reference: entry }
  }
}

function toEncounter(resource: Immunization, id: string, urnOf: (part: string) => string): Stu3Resource {
  return {
    resourceType: 'Encounter',
    id,
    meta: { profile: 'https://fhir.nhs.uk/STU3/StructureDefinition/CareConnect-ITK-Encounter-1' },
    status: 'finished',
    subject: { reference: urnOf('patient') },
    participant: {
      type: oneCode('http://hl7.org/fhir/v3/ParticipationType', 'PPRF', 'primary performer'),
      individual: { reference: urnOf('practitioner') }
    },
    period: { start: resource.occurrenceDateTime },
    serviceProvider: { reference: urnOf('organization') }
  }
}
