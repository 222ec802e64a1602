// Conditions on the version of a record: If-Match (and E-Tag, which the national API takes instead) for writes,
// If-None-Match and If-Modified-Since for reads.
import type { IncomingHttpHeaders } from 'node:http'
import type { IfMatch } from '../ingest/submission.js'
import { doorFault } from './door-fault.js'

/**
 * The versions of which a writer wants one to be current; undefined when it names none.
 * @throws FhirError 400 for a malformed header, or two that disagree
 */
export function readIfMatch(headers: IncomingHttpHeaders): IfMatch | undefined {
  const ifMatch = headers['if-match'] === undefined ? undefined : parseIfMatch(headers['if-match'])
  const eTag = headers['e-tag'] === undefined ? undefined : parseETag(String(headers['e-tag']))
  if (ifMatch !== undefined && eTag !== undefined && String(ifMatch) !== String(eTag))
    throw doorFault(
      400,
      'invalid',
      'version-headers-disagree',
      'If-Match and E-Tag name two versions; send If-Match only'
    )
  return ifMatch ?? eTag
}

/** @throws FhirError 400 when no version is named */
export function requireIfMatch(headers: IncomingHttpHeaders): IfMatch {
  const versions = readIfMatch(headers)
  if (versions !== undefined) return versions
  const text = 'an update names the version it changes: send If-Match: W/"n" with the version last read'
  throw doorFault(400, 'required', 'version-missing', text)
}

/**
 * If-Match by RFC 9110 section 13.1.1: `*`, or a list of entity tags, weak or strong.
 * @throws FhirError 400 for anything else, and for tags that the Hub never gives
 */
export function parseIfMatch(text: string): IfMatch {
  if (text.trim() === '*') return '*'
  return text.split(',').map((tag) => toVersion(/^(?:W\/)?"([1-9]\d{0,8})"$/.exec(tag.trim())?.[1], IF_MATCH_FORM))
}

/**
 * An update, a patch and a delete are of a record that is there, so that If-None-Match can never be met.
 * @throws FhirError 412 for `*`, 400 for anything else
 */
export function refuseIfNoneMatch(headers: IncomingHttpHeaders): void {
  const condition = headers['if-none-match']
  if (condition === undefined) return
  const text = 'If-None-Match is for reads; name the version that is changed by If-Match, and create by POST'
  if (condition.trim() === '*') throw doorFault(412, 'conflict', 'version-stale', text)
  throw doorFault(400, 'not-supported', 'version-header', text)
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

const IF_MATCH_FORM = 'If-Match must name versions, as in If-Match: W/"3", or W/"2", W/"3" for either of two'
const E_TAG_FORM = 'E-Tag must name one version, as in E-Tag: 3'

function parseETag(text: string): IfMatch {
  return [toVersion(/^(?:W\/)?"?([1-9]\d{0,8})"?$/.exec(text.trim())?.[1], E_TAG_FORM)]
}

function toVersion(digits: string | undefined, form: string): number {
  if (digits === undefined) throw doorFault(400, 'invalid', 'version-header', form)
  return Number(digits)
}
