// Which form an answer takes and which forms a body may have. Source: http://hl7.org/fhir/R4/http.html#mime-type and
// RFC 9110 section 12.5.1, checked 2026-11-22.
import { doorFault } from './door-fault.js'

export type AnswerType = 'application/fhir+json' | 'application/json'

const ANSWER_TYPES: readonly AnswerType[] = ['application/fhir+json', 'application/json']
/** `_format` as R4 lists it, and text/json as many clients send it. */
const FORMATS = new Map<string, AnswerType>([
  ['json', 'application/fhir+json'],
  ['application/fhir+json', 'application/fhir+json'],
  ['application/json', 'application/json'],
  ['text/json', 'application/json']
])

/** The answer's type by Accept. @throws FhirError 406 when nothing that is served would do */
export function answerTypeByAccept(accept: string | undefined): AnswerType {
  if (accept === undefined || accept.trim() === '' || accept === 'application/fhir+json') return 'application/fhir+json'
  const ranges = accept.split(',').map(parseMediaType)
  const [best] = ANSWER_TYPES.map((type) => ({ type, quality: qualityOf(type, ranges) }))
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
  if (best === undefined) throw notAcceptable('Accept')
  return best.type
}

/** The answer's type by `_format`. @throws FhirError 406 for a form that is not served */
export function answerTypeByFormat(format: string): AnswerType {
  // An unencoded + arrives as a space.
  const [essence = '', ...parameters] = format.replaceAll(' ', '+').toLowerCase().split(';')
  const type = FORMATS.get(essence)
  if (type === undefined || !parameters.every((text) => /^\+*(fhirversion=4\.0|charset=utf-8)$/.test(text)))
    throw notAcceptable('_format')
  return type
}

/** @throws FhirError 415 for a body that is not one of `types`, in UTF-8 and of FHIR 4.0 */
export function checkContentType(contentType: string | undefined, types: readonly string[]): void {
  const { essence, parameters } = parseMediaType(contentType ?? '')
  if (!types.includes(essence)) throw unsupported(`send the body with Content-Type: ${types.join(' or ')}`, types)
  const charset = parameters.get('charset')?.toLowerCase() ?? 'utf-8'
  if (charset !== 'utf-8' && charset !== 'utf8')
    throw unsupported('the body is sent in UTF-8; leave charset out', types)
  if (!isFhir4(parameters)) throw unsupported('this is a FHIR R4 service; leave fhirVersion out or send 4.0', types)
}

interface MediaType {
  essence: string
  parameters: ReadonlyMap<string, string>
}

function parseMediaType(text: string): MediaType {
  const [essence = '', ...rest] = text.split(';')
  const parameters = new Map<string, string>()
  for (const parameter of rest) {
    const [name = '', value = ''] = parameter.split('=', 2)
    parameters.set(name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1'))
  }
  return { essence: essence.trim().toLowerCase(), parameters }
}

// The range that says most about a type decides, whatever the others allow.
function qualityOf(type: AnswerType, ranges: readonly MediaType[]): number {
  for (const essence of [type, 'application/*', '*/*']) {
    const range = ranges.find((one) => one.essence === essence && isFhir4(one.parameters))
    if (range === undefined) continue
    const quality = Number(range.parameters.get('q') ?? '1')
    return quality >= 0 && quality <= 1 ? quality : 0
  }
  return 0
}

function isFhir4(parameters: ReadonlyMap<string, string>): boolean {
  const version = parameters.get('fhirversion')
  return version === undefined || version === '4.0' || version === '4.0.1'
}

function notAcceptable(where: string): Error {
  const text = `${where} asks for a form that is not served; served are ${ANSWER_TYPES.join(' and ')}, FHIR version 4.0`
  return doorFault(406, 'not-supported', 'not-acceptable', text)
}

function unsupported(text: string, types: readonly string[]): Error {
  const header = types.includes('application/json-patch+json') ? 'Accept-Patch' : 'Accept-Post'
  return doorFault(415, 'not-supported', 'media-type', text, { [header]: types.join(', ') })
}
