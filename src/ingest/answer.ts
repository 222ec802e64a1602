// Issues of the ingest use case that are not about one element.
import type { Issue } from '../fhir/issue.js'
import { changedPaths } from '../fhir/changed-paths.js'
import { FhirError } from '../fhir/operation-outcome.js'

/** One issue per place at which a resend differs from what is stored. */
export function changedPathIssues(storedBody: string, sent: unknown): Issue[] {
  return changedPaths('Immunization', JSON.parse(storedBody) as object, sent as object).map((path) => ({
    severity: 'error',
    code: 'conflict',
    layer: 'identity',
    rule: 'changed-element',
    text: 'differs from the stored record',
    expression: [path]
  }))
}

/** The answer to one submission that failed for a reason of ours; nothing of it was stored. */
export function internalFault(requestId: string): Issue {
  return {
    severity: 'error',
    code: 'exception',
    layer: 'service',
    rule: 'internal-fault',
    text: `this could not be processed because of a fault of the Hub; send it again, and quote request ${requestId} to its operator if it fails again`
  }
}

export function databaseDown(cause: unknown): FhirError {
  return busy('database-unavailable', 'the Hub cannot reach its database; nothing was stored, send it again later', {
    cause
  })
}

export function tooBusy(): FhirError {
  return busy('too-busy', 'more is being sent than can be stored; nothing of this was stored, send it again later')
}

function busy(rule: string, text: string, options?: ErrorOptions): FhirError {
  return new FhirError(
    503,
    [{ severity: 'error', code: 'transient', layer: 'service', rule, text }],
    { 'retry-after': '5' },
    options
  )
}
