// How MESH finds the practice where a patient is registered, and what it shows of a message.
// Source: GP Connect Send Document 2.0.1 and GP Connect Vaccinations (ITK3) guides, "Using MESH", checked 2026-11-22.
import type { Patient } from 'fhir/r4.js'
import { readableName } from './stu3-types.js'

export type BirthDateFormat = 'YYYYMMDD' | 'DDMMYYYY'

/**
 * The automatic routing address GPPROVIDER_<NHS number>_<date of birth>_<surname>.
 * Undefined when one of the three is unknown, or the birth date is not a full one: MESH then cannot find a practice.
 */
export function routingAddress(
  patient: Patient,
  nhsNumber: string | undefined,
  format: BirthDateFormat
): string | undefined {
  const surname = toHeaderText(officialName(patient)?.family ?? '').replaceAll('_', ' ')
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(patient.birthDate ?? '') ?? []
  if (nhsNumber === undefined || surname === '' || year === undefined) return undefined
  const born = format === 'YYYYMMDD' ? [year, month, day] : [day, month, year]
  return ['GPPROVIDER', nhsNumber, born.join(''), surname].join('_')
}

/** The subject line that the GP Connect guides prescribe for a practice's inbox. */
export function subjectLine(subject: {
  patient: Patient
  nhsNumber: string | undefined
  seenAt: string
  odsCode: string
  version: number
}): string {
  const { patient, nhsNumber, seenAt, odsCode, version } = subject
  return toHeaderText(
    `Immunisation record for ${readableName(officialName(patient))}, NHS Number: ${nhsNumber ?? 'not known'}, ` +
      `seen at ${seenAt}, ODS code: ${odsCode}, version ${version}`
  )
}

function officialName(patient: Patient): NonNullable<Patient['name']>[number] | undefined {
  return patient.name?.find(({ use }) => use === 'official') ?? patient.name?.[0]
}

// A header carries printable ASCII: marks are taken off letters, what is left over is dropped.
function toHeaderText(text: string): string {
  return text
    .normalize('NFD')
    .replace(/[^\x20-\x7e]/g, '')
    .replace(/ +/g, ' ')
    .trim()
}
