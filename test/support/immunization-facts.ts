// Facts of a clean flu record of a woman of 71, for tests of the rules; a test changes what it is about.
import { parseFhirDateTime } from '../../src/fhir/dates.js'
import type { ImmunizationFacts } from '../../src/fhir/immunization.js'
import { findVaccineType } from '../../src/fhir/vaccine-types.js'

/** `occurrence` and `targetDiseases` carry their computed fields with them. */
export function immunizationFacts(changes: Partial<ImmunizationFacts> = {}): ImmunizationFacts {
  const occurrence = changes.occurrence ?? '2026-10-10T10:15:00+01:00'
  const targetDiseases = [...(changes.targetDiseases ?? ['6142004'])].sort()
  const parsed = parseFhirDateTime(occurrence)!
  const vaccineType = findVaccineType(targetDiseases)
  return {
    identifier: { system: 'https://supplier.example/vaccinations', value: 'a-1' },
    status: 'completed',
    nhsNumber: '9990000018',
    isNhsNumberVerified: true,
    birthDate: '1955-04-12',
    familyName: 'Quillfeather',
    postcode: 'ZZ99 3VZ',
    procedureCodes: ['822851000000102'],
    primarySource: true,
    isSubpotent: false,
    lotNumber: 'AF3214B',
    expirationDate: '2027-06-30',
    ...changes,
    targetDiseases,
    ...(vaccineType === undefined ? {} : { vaccineType }),
    occurrence,
    occurrenceDay: parsed.londonDay,
    occurrenceFrom: parsed.from,
    occurrencePrecision: parsed.precision
  }
}
