// Primitive types as JSON Schema. The patterns are linear; that for base64 is not the one FHIR publishes, which is not.
import type { JsonObject } from './definitions/structure-definition.js'

const YEAR = '(?!0000)[0-9]{4}'
const MONTH = '(?:0[1-9]|1[0-2])'
const DAY = '(?:0[1-9]|[12][0-9]|3[01])'
const TIME = '(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\\.[0-9]+)?'
const OFFSET = '(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))'

/** Days are not counted by month here: a pattern cannot know 30 February. */
export const PRIMITIVE_SCHEMAS: ReadonlyMap<string, JsonObject> = new Map<string, JsonObject>([
  ['boolean', { type: 'boolean' }],
  ['integer', { type: 'integer', minimum: -2_147_483_648, maximum: 2_147_483_647 }],
  ['unsignedInt', { type: 'integer', minimum: 0, maximum: 2_147_483_647 }],
  ['positiveInt', { type: 'integer', minimum: 1, maximum: 2_147_483_647 }],
  ['decimal', { type: 'number' }],
  ['string', text('[^\\s]')],
  ['markdown', text('[^\\s]')],
  ['xhtml', text('<div')],
  ['code', text('^[^ \\t\\r\\n]+(?:[ \\t\\r\\n][^ \\t\\r\\n]+)*$')],
  ['id', text('^[A-Za-z0-9.-]{1,64}$')],
  ['uri', text('^[^ \\t\\r\\n]+$')],
  ['url', text('^[^ \\t\\r\\n]+$')],
  ['canonical', text('^[^ \\t\\r\\n]+$')],
  ['oid', text('^urn:oid:[0-2](?:\\.(?:0|[1-9][0-9]*))+$')],
  ['uuid', text('^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$')],
  ['date', text(`^${YEAR}(?:-${MONTH}(?:-${DAY})?)?$`)],
  ['dateTime', text(`^${YEAR}(?:-${MONTH}(?:-${DAY}(?:T${TIME}${OFFSET})?)?)?$`)],
  ['instant', text(`^${YEAR}-${MONTH}-${DAY}T${TIME}${OFFSET}$`)],
  ['time', text(`^${TIME}$`)],
  ['base64Binary', text('^[A-Za-z0-9+/\\s]+={0,2}\\s*$')]
])

function text(pattern: string): JsonObject {
  return { type: 'string', pattern }
}
