// A queue must hold nothing of a patient: looks for whatever has the shape of an NHS number.
import { isNhsNumber } from '../fhir/nhs-number.js'

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi

/**
 * True for ten digits by themselves with the right check digit, written together or as 999 000 1234. Ids of deliveries,
 * which may hold ten digits by chance, are no numbers, and neither are moments in milliseconds.
 */
export function holdsNhsNumber(text: string): boolean {
  const rest = text.replace(UUID, ' ')
  const found = rest.match(/(?<![\w.-])\d{3}[ -]?\d{3}[ -]?\d{4}(?![\w.-]\d|\w)/g) ?? []
  return found.some((digits) => isNhsNumber(digits.replace(/[ -]/g, '')))
}

/** The name of a key without what may be a number in it. */
export function withoutDigits(key: string): string {
  return key.replace(/\d{3,}/g, '#')
}
