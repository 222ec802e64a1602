// The answer to one entry of a Bundle as JSON text, and where its issues lie in the Bundle.
import { STATUS_CODES } from 'node:http'
import type { Issue } from '../../fhir/issue.js'
import { FhirError, toOperationOutcome } from '../../fhir/operation-outcome.js'
import type { Verdict } from '../../ingest/submission.js'
import type { Preferences } from '../prefer.js'
import { ACCEPTED } from '../send-verdict.js'

export interface EntryAnswer {
  status: number
  issues: readonly Issue[]
  record?: { recordId: string; version: number; lastUpdated: Date }
  /** JSON text of what was asked for. */
  resource?: string
  /** True for a write: there is a Location. */
  isWrite?: boolean
}

/** Without Prefer only what was asked for is answered with its resource; an outcome wherever there is something to say. */
export function answerVerdict({ status, issues, record }: Verdict, preferred: Preferences['return']): EntryAnswer {
  const body = preferred === 'representation' ? record?.body : undefined
  const shown = issues.length === 0 && preferred === 'OperationOutcome' && status !== 204 ? [ACCEPTED] : issues
  return {
    status,
    issues: shown,
    isWrite: status < 400 && status !== 204,
    ...(record === undefined || status >= 400 ? {} : { record }),
    ...(body === undefined || status >= 400 ? {} : { resource: body })
  }
}

export function answerError(error: unknown): EntryAnswer {
  if (!(error instanceof FhirError)) throw error
  return { status: error.status, issues: error.issues }
}

export function joinEntry({ status, issues, record, resource, isWrite }: EntryAnswer, base: string): string {
  const response = {
    status: `${status} ${STATUS_CODES[status] ?? ''}`.trim(),
    ...(record === undefined || isWrite !== true
      ? {}
      : { location: `${base}/Immunization/${record.recordId}/_history/${record.version}` }),
    ...(record === undefined ? {} : { etag: `W/"${record.version}"`, lastModified: record.lastUpdated.toISOString() }),
    ...(issues.length === 0 ? {} : { outcome: toOperationOutcome(issues) })
  }
  return `{${resource === undefined ? '' : `"resource":${resource},`}"response":${JSON.stringify(response)}}`
}

export function joinResponse(type: 'batch' | 'transaction', entries: readonly string[]): string {
  const list = entries.length === 0 ? '' : `,"entry":[${entries.join(',')}]`
  return `{"resourceType":"Bundle","type":"${type}-response"${list}}`
}

/** Where the resources of the Bundle went: `own` contained ones were sent in the entry, the others came from entries. */
export interface ContainedPlaces {
  own: number
  containedFrom: readonly number[]
}

/** Expressions of the judges (`Immunization.status`) as places of the Bundle (`Bundle.entry[2].resource.status`). */
export function placeIssues(issues: readonly Issue[], index: number, places?: ContainedPlaces): Issue[] {
  return issues.map((issue) => ({
    ...issue,
    expression: issue.expression?.map((path) => placePath(path, index, places)) ?? [`Bundle.entry[${index}]`]
  }))
}

function placePath(path: string, index: number, places: ContainedPlaces | undefined): string {
  if (path.startsWith('Bundle.')) return path
  const [, number, rest = ''] = /^Immunization\.contained\[(\d+)\](.*)$/.exec(path) ?? []
  const from =
    number === undefined || places === undefined ? undefined : places.containedFrom[Number(number) - places.own]
  if (from !== undefined) return `Bundle.entry[${from}].resource${rest}`
  return path.replace(/^[A-Za-z]+/, `Bundle.entry[${index}].resource`)
}
