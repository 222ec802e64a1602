// Conditions on the version of a record: If-Match (and E-Tag, which the national API takes instead) for writes,
// If-None-Match and If-Modified-Since for reads.
import type { IncomingHttpHeaders } from 'node:http'
import { doorFault } from './door-fault.js'

/**
 * The version a writer last saw; undefined when it names none.
 * @throws FhirError 400 for a malformed header, or two that disagree
 */
export function readIfMatch(headers: IncomingHttpHeaders): number | undefined {
  const ifMatch = readVersion('If-Match', headers['if-match'], /^(?:W\/)?"([1-9]\d{0,8})"$/, 'W/"3"')
  const eTag = readVersion('E-Tag', headers['e-tag'], /^(?:W\/)?"?([1-9]\d{0,8})"?$/, '3')
  if (ifMatch !== undefined && eTag !== undefined && ifMatch !== eTag)
    throw doorFault(
      400,
      'invalid',
      'version-headers-disagree',
      'If-Match and E-Tag name two versions; send If-Match only'
    )
  return ifMatch ?? eTag
}

/** @throws FhirError 400 when no version is named */
export function requireIfMatch(headers: IncomingHttpHeaders): number {
  const version = readIfMatch(headers)
  if (version !== undefined) return version
  const text = 'an update names the version it changes: send If-Match: W/"n" with the version last read'
  throw doorFault(400, 'required', 'version-missing', text)
}

/** True when the reader has this version already (304). If-None-Match is stronger than If-Modified-Since. */
export function isNotModified(headers: IncomingHttpHeaders, version: number, lastUpdated: Date): boolean {
  const known = headers['if-none-match']
  if (known !== undefined) return namesTag(known, `"${version}"`)
  const since = Date.parse(headers['if-modified-since'] ?? '')
  return Math.floor(lastUpdated.getTime() / 1000) * 1000 <= since
}

/** Whether If-None-Match names what there is. `tag`: with or without W/, which does not matter here. */
export function namesTag(ifNoneMatch: string, tag: string): boolean {
  const bare = (text: string): string => text.trim().replace(/^W\//, '')
  return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((named) => bare(named) === bare(tag))
}

function readVersion(
  name: string,
  header: string | string[] | undefined,
  form: RegExp,
  example: string
): number | undefined {
  if (header === undefined) return undefined
  const version = form.exec(String(header).trim())?.[1]
  if (version !== undefined) return Number(version)
  throw doorFault(400, 'invalid', 'version-header', `${name} must name one version, as in ${name}: ${example}`)
}
