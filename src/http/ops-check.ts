// Checks a query string or a body of the operations API against its schema.
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import { parseFhirDateTime } from '../fhir/dates.js'
import type { Issue } from '../fhir/issue.js'
import { isNhsNumber } from '../fhir/nhs-number.js'
import { FhirError } from '../fhir/operation-outcome.js'

export type Check<Value> = (value: unknown) => Value

/**
 * Formats beyond JSON Schema: `uuid`, `moment` (a day or a date-time with its offset), `place` (a cursor as an answer
 * gave it), `reason` (words, no NHS number) and `nhs-number` (ten digits with the right check digit).
 * @throws FhirError 400 from the check, one issue per fault
 */
export function compileCheck<Value>(where: 'query' | 'path' | 'body', schema: object): Check<Value> {
  // Everything in a query string is text: numbers and single items are read from it there, never in a body.
  const ajv = new Ajv2020({ allErrors: true, strict: true, ...(where === 'query' ? { coerceTypes: 'array' } : {}) })
  ajv.addFormat('uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i)
  ajv.addFormat('moment', isMoment)
  ajv.addFormat('place', /^\d{4}-\d{2}-\d{2}T[\d:.]{15}Z~[0-9a-f-]{36}(~\d{1,9})?$/)
  ajv.addFormat('reason', isReason)
  ajv.addFormat('nhs-number', (text: string) => isNhsNumber(text))
  const validate = ajv.compile<Value>(schema)
  return (value) => {
    if (validate(value)) return value
    throw new FhirError(
      400,
      (validate.errors ?? []).map((error) => toIssue(where, error))
    )
  }
}

function isMoment(text: string): boolean {
  const precision = parseFhirDateTime(text)?.precision
  return precision === 'day' || precision === 'time'
}

/** Reasons are kept in the audit trail, which must not name a patient. */
export function isReason(text: string): boolean {
  const numbers = text.replace(/(?<=\d)[ -](?=\d)/g, '').match(/\d{10}/g) ?? []
  return text.trim().length >= 3 && !numbers.some(isNhsNumber)
}

const FORMAT_MESSAGES: Readonly<Record<string, string>> = {
  uuid: 'must be an id (UUID) as the Hub gave it',
  moment: 'must be a day (2026-11-22) or a date-time with its offset (2026-11-22T09:30:00Z)',
  place: 'must be the "next" of an earlier answer, unchanged',
  'nhs-number': 'must be an NHS number: ten digits without spaces, the last of them the check digit of the others',
  reason: 'must be words of at least 3 characters that say why, without an NHS number'
}

function toIssue(where: 'query' | 'path' | 'body', error: ErrorObject): Issue {
  const path = `${where}${error.instancePath.replaceAll('/', '.').replace(/\.(\d+)/g, '[$1]')}`
  return {
    severity: 'error',
    code: error.keyword === 'required' ? 'required' : 'value',
    layer: 'service',
    rule: `ops-${where}`,
    text: `${path}: ${describe(error)}`
  }
}

function describe(error: ErrorObject): string {
  const params = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'additionalProperties':
      return `"${String(params['additionalProperty'])}" is not known here; leave it out or mend its spelling`
    case 'required':
      return `"${String(params['missingProperty'])}" is missing; add it`
    case 'enum':
      return `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}`
    case 'format':
      return FORMAT_MESSAGES[String(params['format'])] ?? 'has the wrong form'
    default:
      return error.message ?? 'is wrong'
  }
}
