// The 19 NHS vaccine types and the exact set of target diseases that selects each.
// Source: NHSDigital/immunisation-fhir-api config/common/disease_mapping.json @44be4c1 (7 May 2026).

export const VACCINE_TYPES = {
  '3IN1': ['398102009', '397430003', '76902006'],
  '4IN1': ['398102009', '397430003', '27836007', '76902006'],
  '6IN1': ['398102009', '397430003', '709410003', '27836007', '76902006', '66071002'],
  BCG: ['56717001'],
  COVID: ['840539006'],
  FLU: ['6142004'],
  HEPB: ['66071002'],
  HIB: ['709410003'],
  HIBMENC: ['709410003', '23511006'],
  HPV: ['240532009'],
  MENACWY: ['23511006'],
  MENB: ['1354584007'],
  MMR: ['14189004', '36989005', '36653000'],
  MMRV: ['14189004', '36989005', '36653000', '38907003'],
  PERTUSSIS: ['27836007'],
  PNEUMOCOCCAL: ['16814004'],
  ROTAVIRUS: ['186150001'],
  RSV: ['55735004'],
  SHINGLES: ['4740000']
} as const satisfies Record<string, readonly string[]>

export type VaccineType = keyof typeof VACCINE_TYPES

const TYPE_BY_DISEASES = new Map<string, VaccineType>(
  (Object.entries(VACCINE_TYPES) as [VaccineType, readonly string[]][]).map(([type, codes]) => [keyOf(codes), type])
)

/** The vaccine type whose target diseases are exactly these SNOMED CT codes, in any order. */
export function findVaccineType(targetDiseases: readonly string[]): VaccineType | undefined {
  return TYPE_BY_DISEASES.get(keyOf(targetDiseases))
}

/** The vaccine type that shares most with an unknown set: what the sender probably meant. Undefined when nothing is shared. */
export function nearestVaccineType(targetDiseases: readonly string[]): VaccineType | undefined {
  let best: { type: VaccineType; distance: number } | undefined
  for (const [type, codes] of Object.entries(VACCINE_TYPES) as [VaccineType, readonly string[]][]) {
    const shared = codes.filter((code) => targetDiseases.includes(code)).length
    const distance = codes.length + targetDiseases.length - 2 * shared
    if (shared > 0 && (best === undefined || distance < best.distance)) best = { type, distance }
  }
  return best?.type
}

export function isVaccineType(text: string): text is VaccineType {
  return Object.hasOwn(VACCINE_TYPES, text)
}

function keyOf(codes: readonly string[]): string {
  return [...codes].sort().join(':')
}
