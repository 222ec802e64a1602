// Bundle.entry.request.url taken apart.
import type { Parameter } from '../../history/plan-search.js'
import { doorFault } from '../door-fault.js'
import { parseParameters, queryOf } from '../parse-parameters.js'
import { withoutGeneral } from '../read-answer-form.js'

export interface EntryUrl {
  type: string
  id?: string
  /** `all` for _history, else the version as written. */
  history?: 'all' | { version: string }
  parameters: readonly Parameter[]
}

const SHAPE = /^([A-Z][A-Za-z]+)(?:\/([A-Za-z0-9.-]{1,64})(?:\/(_history)(?:\/([A-Za-z0-9.-]{1,64}))?)?)?$/

/**
 * Relative to the base, or absolute below `base`.
 * @throws FhirError 400 for any other place: another host, a path upwards, an operation
 */
export function parseEntryUrl(url: string, base: string): EntryUrl {
  const relative = url.startsWith(`${base}/`) ? url.slice(base.length + 1) : url
  const [, type, id, history, version] = SHAPE.exec(relative.split('?', 1)[0] ?? '') ?? []
  if (type === undefined || id === '.' || id === '..' || relative.includes('#')) {
    const text =
      'request.url is relative to the base, as in Immunization/[id]; other places and operations are not served'
    throw doorFault(400, 'not-supported', 'bundle-entry-url', text)
  }
  return {
    type,
    parameters: withoutGeneral(parseParameters(queryOf(relative))),
    ...(id === undefined ? {} : { id }),
    ...(history === undefined ? {} : { history: version === undefined ? 'all' : { version } })
  }
}
