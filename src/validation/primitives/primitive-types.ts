// Each primitive type of FHIR R4: its JSON kind, its test, and the words for its format.
import { isDate, isDateTime, isInstant, isTime } from './date-time.js'
import { isBase64, isCode, isId, isOid, isString, isUri, isUuid } from './text.js'
import { isSafeNarrative } from './xhtml.js'

export interface PrimitiveType {
  json: 'string' | 'number' | 'boolean'
  matches: (value: unknown) => boolean
  /** Completes "must be ...". */
  format: string
}

const TEXT = 'text that is not blank, without control characters'

export const PRIMITIVE_TYPES: ReadonlyMap<string, PrimitiveType> = new Map<string, PrimitiveType>([
  ['boolean', { json: 'boolean', matches: (value) => typeof value === 'boolean', format: 'true or false' }],
  ['integer', wholeNumber(-2_147_483_648, 'a whole number of 32 bits')],
  ['unsignedInt', wholeNumber(0, 'a whole number from 0 to 2147483647')],
  ['positiveInt', wholeNumber(1, 'a whole number from 1 to 2147483647')],
  ['decimal', { json: 'number', matches: (value) => Number.isFinite(value), format: 'a JSON number' }],
  ['string', ofText(isPlainText, TEXT)],
  ['markdown', ofText(isPlainText, TEXT)],
  [
    'code',
    ofText((value) => typeof value === 'string' && isCode(value), 'a code without leading, trailing or doubled spaces')
  ],
  ['id', text(isId, '1 to 64 of the characters A-Z a-z 0-9 - .')],
  ['uri', ofText((value) => typeof value === 'string' && isUri(value), 'a URI without spaces')],
  ['url', text(isUri, 'a URL without spaces')],
  ['canonical', text(isUri, 'a canonical URL without spaces')],
  ['oid', text(isOid, 'urn:oid: and dotted numbers')],
  ['uuid', text(isUuid, 'urn:uuid: and a UUID in lower case')],
  ['date', text(isDate, 'a real date written YYYY, YYYY-MM or YYYY-MM-DD')],
  [
    'dateTime',
    text(
      isDateTime,
      'a real date written YYYY, YYYY-MM or YYYY-MM-DD, or YYYY-MM-DDThh:mm:ss with an offset (Z, +01:00)'
    )
  ],
  ['instant', text(isInstant, 'a real instant written YYYY-MM-DDThh:mm:ss with an offset (Z, +01:00)')],
  ['time', text(isTime, 'a time written hh:mm:ss')],
  ['base64Binary', text(isBase64, 'base64')],
  [
    'xhtml',
    text(
      isSafeNarrative,
      'one XHTML div with text in it, only formatting elements, no scripts, forms or event handlers'
    )
  ]
])

function isPlainText(value: unknown): boolean {
  return typeof value === 'string' && isString(value)
}

// The commonest types have a test written out: the engine then makes one function of it, and most values pass here.
function ofText(matches: (value: unknown) => boolean, format: string): PrimitiveType {
  return { json: 'string', matches, format }
}

function text(matches: (value: string) => boolean, format: string): PrimitiveType {
  return { json: 'string', matches: (value) => typeof value === 'string' && matches(value), format }
}

function wholeNumber(least: number, format: string): PrimitiveType {
  return {
    json: 'number',
    matches: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= 2_147_483_647,
    format
  }
}
