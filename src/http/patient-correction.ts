// The header by which an update asks to move a record to another patient, with the reason as its value.
import type { IncomingHttpHeaders } from 'node:http'
import { doorFault } from './door-fault.js'
import { isReason } from './ops-check.js'

/** Undefined without the header. @throws FhirError 400 for a value that is no reason */
export function readPatientCorrection(headers: IncomingHttpHeaders): string | undefined {
  const reason = headers['x-patient-correction']
  if (reason === undefined) return undefined
  const text = String(reason).trim()
  if (text.length <= 200 && isReason(text)) return text
  const expected = 'X-Patient-Correction says why in 3 to 200 characters, without an NHS number'
  throw doorFault(400, 'invalid', 'patient-correction-reason', expected)
}
