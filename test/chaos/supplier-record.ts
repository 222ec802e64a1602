// A record as its supplier knows it: what was posted and what was acknowledged. The oracle of a campaign.
import type { Immunization } from 'fhir/r4.js'
import { syntheticImmunization, syntheticPatient } from '../support/synthetic.js'

export interface SupplierVersion {
  operation: 'create' | 'update' | 'delete' | 'reinstate'
  /** Different in every version; undefined once it is deleted. */
  lotNumber?: string
}

export interface SupplierRecord {
  n: number
  nhsNumber: string
  vaccineType: 'FLU' | 'COVID'
  /** YYYYMMDD */
  day: string
  /** `system#value` */
  identifier: string
  /** Known once the first version is acknowledged. */
  id?: string
  /** Acknowledged, the oldest first. */
  versions: SupplierVersion[]
  /** A write of it is under way. */
  isBusy: boolean
}

/** Two records a patient, of different vaccines, so that a patient's writes meet. */
export function planRecord(n: number): SupplierRecord {
  const resource = resourceOf(n, '')
  const { system = '', value = '' } = resource.identifier?.[0] ?? {}
  return {
    n,
    nhsNumber: patientOf(n).nhsNumber,
    vaccineType: typeOf(n),
    day: (resource.occurrenceDateTime ?? '').slice(0, 10).replaceAll('-', ''),
    identifier: `${system}#${value}`,
    versions: [],
    isBusy: false
  }
}

export function resourceOf(n: number, lotNumber: string): Immunization {
  return { ...syntheticImmunization({ n, vaccineType: typeOf(n), patient: patientOf(n) }), lotNumber }
}

export function patientOf(n: number) {
  return syntheticPatient(Math.floor(n / 2))
}

export function isDeleted({ versions }: SupplierRecord): boolean {
  return versions.at(-1)?.operation === 'delete'
}

function typeOf(n: number): 'FLU' | 'COVID' {
  return n % 2 === 0 ? 'FLU' : 'COVID'
}
