// What every code is known for: the terminology tables and the programme files together.
import type { VaccineType } from '../fhir/vaccine-types.js'
import type { Programme } from './programme.js'
import type { VaccineCodes } from './vaccine-codes.js'

export interface CodeKnowledge {
  /** Vaccine types a product is known for; undefined for an unknown product. */
  typesOfProduct(code: string): ReadonlySet<VaccineType> | undefined
  /** Vaccine types a procedure is known for; undefined for an unknown procedure. */
  typesOfProcedure(code: string): ReadonlySet<VaccineType> | undefined
}

/** Codes of low certainty (L) are left out: what is only recalled must not contradict a supplier. */
export function createCodeKnowledge(programmes: readonly Programme[], codes: VaccineCodes): CodeKnowledge {
  const products = new Map<string, Set<VaccineType>>()
  const procedures = new Map<string, Set<VaccineType>>()
  for (const { code, vaccineTypes, certainty } of codes.products)
    if (certainty !== 'L') add(products, code, vaccineTypes)
  for (const { code, vaccineTypes, certainty } of codes.procedures)
    if (certainty !== 'L') add(procedures, code, vaccineTypes)
  for (const programme of programmes) {
    for (const { code, certainty } of programme.products) {
      if (code !== undefined && certainty !== 'L') add(products, code, [programme.vaccineType])
    }
    for (const { code, certainty } of programme.procedures ?? []) {
      if (certainty !== 'L') add(procedures, code, [programme.vaccineType])
    }
  }
  return {
    typesOfProduct: (code) => products.get(code),
    typesOfProcedure: (code) => procedures.get(code)
  }
}

function add(known: Map<string, Set<VaccineType>>, code: string, types: readonly VaccineType[]): void {
  const set = known.get(code) ?? new Set<VaccineType>()
  for (const type of types) set.add(type)
  known.set(code, set)
}
