// A Patient for `_include=Immunization:patient`. The Hub keeps no Patients: what it shows is what the records of a page
// say about their patient, and says so in meta.tag.
import type { Immunization, Patient } from 'fhir/r4.js'
import { COMPOSED } from '../fhir/composed-tag.js'
import { findPatient } from '../fhir/immunization.js'
import type { FoundRecord } from '../storage/history-store.js'

/** One Patient for each patient of the records; its id is stable and can be searched for (`patient=`). */
export function composePatients(records: readonly FoundRecord[]): (Patient & { id: string })[] {
  const byPatient = new Map<string, FoundRecord[]>()
  for (const record of records) byPatient.set(record.patientKey, [...(byPatient.get(record.patientKey) ?? []), record])
  return [...byPatient].map(([patientKey, said]) => composePatient(patientKey, said))
}

// Lists hold everything that was said, each thing once; of single values the record that was accepted last counts.
function composePatient(patientKey: string, records: readonly FoundRecord[]): Patient & { id: string } {
  const newestFirst = records.toSorted((a, b) => b.sent.lastUpdated.getTime() - a.sent.lastUpdated.getTime())
  const sayings = newestFirst.map(({ body }) => patientIn(JSON.parse(body) as Immunization))
  const latest = <Name extends 'gender' | 'birthDate'>(name: Name) => {
    const value = sayings.find((said) => said[name] !== undefined)?.[name]
    return value === undefined ? {} : { [name]: value }
  }
  const all = <Name extends 'name' | 'telecom' | 'address'>(name: Name) =>
    listed(
      name,
      distinct(
        sayings.flatMap((said): object[] => said[name] ?? []),
        JSON.stringify
      )
    )
  const identifiers = sayings.flatMap((said) => said.identifier ?? [])
  return {
    resourceType: 'Patient',
    id: patientKey,
    meta: { lastUpdated: newestFirst[0]?.sent.lastUpdated.toISOString() ?? '', tag: [COMPOSED] },
    ...listed(
      'identifier',
      distinct(identifiers, ({ system, value }) => JSON.stringify([system, value]))
    ),
    ...all('name'),
    ...all('telecom'),
    ...latest('gender'),
    ...latest('birthDate'),
    ...death(sayings),
    ...all('address')
  }
}

type Said = Partial<Pick<Patient, 'identifier' | 'name' | 'telecom' | 'gender' | 'birthDate' | 'address'>> &
  Pick<Patient, 'deceasedDateTime' | 'deceasedBoolean'>

/** What one record says: its contained Patient, or the identifier beside the reference. */
function patientIn(resource: Immunization): Said {
  const patient: Said = findPatient(resource) ?? {}
  const { identifier } = resource.patient
  return identifier === undefined ? patient : { ...patient, identifier: [...(patient.identifier ?? []), identifier] }
}

function death(sayings: readonly Said[]): Pick<Patient, 'deceasedDateTime' | 'deceasedBoolean'> {
  const said = sayings.find(
    ({ deceasedDateTime, deceasedBoolean }) => deceasedDateTime !== undefined || deceasedBoolean !== undefined
  )
  if (said?.deceasedDateTime !== undefined) return { deceasedDateTime: said.deceasedDateTime }
  return said?.deceasedBoolean === undefined ? {} : { deceasedBoolean: said.deceasedBoolean }
}

function distinct<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  return [...new Map(items.toReversed().map((item) => [keyOf(item), item])).values()].reverse()
}

// FHIR has no empty arrays.
function listed(name: string, items: readonly object[]): object {
  return items.length === 0 ? {} : { [name]: items }
}
