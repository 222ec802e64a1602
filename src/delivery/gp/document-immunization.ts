// The Immunization of a GP document: FHIR R4 to the STU3 profile CareConnect-ITK-DM-Immunization-1.
// Source: http://hl7.org/fhir/STU3/immunization.html and nhsconnect/ITK-FHIR-Digital-Medicines, checked 2026-11-22.
import type { Immunization } from 'fhir/r4.js'
import { VACCINATION_PROCEDURE_URL } from '../../fhir/identifier-systems.js'
import type { XmlElement } from './fhir-xml.js'
import type { Stu3Resource } from './document-people.js'
import { oneCode, toConcept, toIdentifier, toQuantity } from './stu3-types.js'

const CARE_CONNECT = 'https://fhir.hl7.org.uk/STU3/StructureDefinition'

/** Addresses (urn:uuid:...) of the other resources of the document. */
export interface DocumentReferences {
  patient: string
  encounter: string
  practitioner: string
  manufacturer?: string
}

export function toStu3Immunization(
  resource: Immunization,
  id: string,
  isWithdrawn: boolean,
  references: DocumentReferences
): Stu3Resource {
  const procedure = resource.extension?.find(({ url }) => url === VACCINATION_PROCEDURE_URL)
  return {
    resourceType: 'Immunization',
    id,
    meta: { profile: 'https://fhir.nhs.uk/STU3/StructureDefinition/CareConnect-ITK-DM-Immunization-1' },
    extension: [
      resource.recorded === undefined
        ? undefined
        : { url: `${CARE_CONNECT}/Extension-CareConnect-DateRecorded-1`, valueDateTime: resource.recorded },
      procedure === undefined
        ? undefined
        : {
            url: `${CARE_CONNECT}/Extension-CareConnect-VaccinationProcedure-1`,
            valueCodeableConcept: toConcept(procedure.valueCodeableConcept)
          }
    ],
    identifier: resource.identifier?.map(toIdentifier),
    status: isWithdrawn ? 'entered-in-error' : 'completed',
    notGiven: false,
    vaccineCode: toConcept(resource.vaccineCode),
    patient: { reference: references.patient },
    encounter: { reference: references.encounter },
    date: resource.occurrenceDateTime,
    // Mandatory in STU3; R4 lets it be left out, which claims nothing.
    primarySource: resource.primarySource ?? false,
    manufacturer:
      references.manufacturer === undefined
        ? undefined
        : { reference: references.manufacturer, display: resource.manufacturer?.display },
    lotNumber: resource.lotNumber,
    expirationDate: resource.expirationDate,
    site: toConcept(resource.site),
    route: toConcept(resource.route),
    doseQuantity: toQuantity(resource.doseQuantity),
    practitioner: {
      role: oneCode('http://hl7.org/fhir/v2/0443', 'AP', 'Administering Provider'),
      actor: { reference: references.practitioner }
    },
    explanation: resource.reasonCode === undefined ? undefined : { reason: resource.reasonCode.map(toConcept) },
    vaccinationProtocol: resource.protocolApplied?.map((protocol) => toProtocol(resource, protocol))
  }
}

function toProtocol(
  resource: Immunization,
  protocol: NonNullable<Immunization['protocolApplied']>[number]
): XmlElement {
  const counts = resource.isSubpotent !== true
  return {
    doseSequence: protocol.doseNumberPositiveInt,
    description: protocol.doseNumberString,
    series: protocol.series,
    seriesDoses: protocol.seriesDosesPositiveInt,
    targetDisease: protocol.targetDisease?.map(toConcept),
    doseStatus: oneCode(
      'http://hl7.org/fhir/vaccination-protocol-dose-status',
      counts ? 'count' : 'nocount',
      counts ? 'Counts' : 'Does not Count'
    )
  }
}
