// Synthetic people, records and deliveries for the tests of destinations. NHS numbers are of the 999 test range.
import { randomUUID } from 'node:crypto'
import type { Immunization, Patient, Practitioner } from 'fhir/r4.js'
import { readImmunizationFacts } from '../../src/fhir/immunization.js'
import { VACCINE_TYPES, type VaccineType } from '../../src/fhir/vaccine-types.js'
import type {
  Delivery,
  DeliveryCandidate,
  DeliveryOperation,
  DestinationServices,
  EligibilityTotals
} from '../../src/delivery/destination.js'

export const NHS_NUMBER = '9990000018'
/** What must never appear in an outcome. */
export const PATIENT_WORDS = [
  NHS_NUMBER,
  '999 000 0018',
  'Thistlewood',
  'Ottoline',
  '1951-03-09',
  '19510309',
  'LS99 9ZZ'
]

export function syntheticPatient(changes: Partial<Patient> = {}): Patient {
  return {
    resourceType: 'Patient',
    id: 'pat',
    identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: NHS_NUMBER }],
    name: [{ use: 'official', family: 'Thistlewood', given: ['Ottoline', 'May'] }],
    gender: 'female',
    birthDate: '1951-03-09',
    address: [{ line: ['7 Nowhere Row'], postalCode: 'LS99 9ZZ' }],
    ...changes
  }
}

export function syntheticPractitioner(changes: Partial<Practitioner> = {}): Practitioner {
  return { resourceType: 'Practitioner', id: 'prac', name: [{ family: 'Quillfeather', given: ['Ned'] }], ...changes }
}

export function syntheticImmunization(changes: Partial<Immunization> = {}, type: VaccineType = 'FLU'): Immunization {
  return {
    resourceType: 'Immunization',
    contained: [syntheticPatient(), syntheticPractitioner()],
    extension: [
      {
        url: 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-VaccinationProcedure',
        valueCodeableConcept: {
          coding: [{ system: 'http://snomed.info/sct', code: '985151000000100', display: 'Administration of vaccine' }]
        }
      }
    ],
    identifier: [{ system: 'https://supplier.example/vacc', value: randomUUID() }],
    status: 'completed',
    vaccineCode: { coding: [{ system: 'http://snomed.info/sct', code: '43208811000001106', display: 'Fluenz' }] },
    patient: { reference: '#pat' },
    occurrenceDateTime: '2025-10-03T10:15:00+01:00',
    recorded: '2025-10-03T10:20:00+01:00',
    primarySource: true,
    manufacturer: { display: 'AstraZeneca' },
    location: {
      type: 'Location',
      identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: 'RJ1XX' }
    },
    lotNumber: 'AB1234',
    expirationDate: '2026-03-31',
    site: { coding: [{ system: 'http://snomed.info/sct', code: '368208006', display: 'Left upper arm structure' }] },
    route: { coding: [{ system: 'http://snomed.info/sct', code: '78421000', display: 'Intramuscular route' }] },
    doseQuantity: { value: 0.5, unit: 'millilitre', system: 'http://snomed.info/sct', code: '258773002' },
    performer: [
      {
        actor: {
          type: 'Organization',
          identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: 'RJ1' },
          display: 'Example Trust'
        }
      },
      { actor: { reference: '#prac' } }
    ],
    reasonCode: [{ coding: [{ system: 'http://snomed.info/sct', code: '443684005' }] }],
    protocolApplied: [
      {
        targetDisease: VACCINE_TYPES[type].map((code) => ({ coding: [{ system: 'http://snomed.info/sct', code }] })),
        doseNumberPositiveInt: 1
      }
    ],
    ...changes
  }
}

export function syntheticDelivery(resource: Immunization, changes: Partial<Delivery> = {}): Delivery {
  return {
    deliveryId: randomUUID(),
    destination: 'any',
    recordId: randomUUID(),
    patientKey: randomUUID(),
    version: 1,
    operation: 'create',
    vaccineType: 'FLU',
    supplier: 'example-pharmacy',
    changedAt: new Date('2025-10-03T09:21:07.125Z'),
    body: JSON.stringify(resource),
    attempt: 1,
    epoch: 1,
    outcomeUnknown: false,
    ...changes
  }
}

/** The same delivery as the worker claims it again. */
export function claimedAgain(delivery: Delivery, changes: Partial<Delivery> = {}): Delivery {
  return { ...delivery, attempt: delivery.attempt + 1, epoch: delivery.epoch + 1, ...changes }
}

/** The next version of the same record, after an outcome that told what the receiver calls it. */
export function nextVersion(
  delivery: Delivery,
  operation: DeliveryOperation,
  remote: Delivery['remote'],
  resource = JSON.parse(delivery.body) as Immunization
): Delivery {
  const changed = syntheticDelivery(resource, {
    recordId: delivery.recordId,
    patientKey: delivery.patientKey,
    version: delivery.version + 1,
    operation
  })
  return remote === undefined ? changed : { ...changed, remote }
}

export function syntheticCandidate(vaccineType: VaccineType, status: Immunization['status']): DeliveryCandidate {
  const facts = readImmunizationFacts(syntheticImmunization({ status }, vaccineType))
  return { facts, vaccineType }
}

/** Services over totals that a test can change: the store of event groups has tests of its own. */
export function syntheticServices(
  now: () => Date = () => new Date()
): DestinationServices & { totals: EligibilityTotals } {
  const services = {
    now,
    totals: { nhsNumber: NHS_NUMBER, eventDays: ['2025-10-03'], sourceVersion: 1 } as EligibilityTotals,
    readEligibilityTotals: () => Promise.resolve(services.totals)
  }
  return services
}
