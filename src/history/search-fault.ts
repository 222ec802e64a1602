// What is wrong with a search, as an issue. The value that was sent is never repeated: it may name a patient.
import type { Issue, IssueCode } from '../fhir/issue.js'

/** `name`: the parameter at fault, of those the Hub serves. */
export function searchFault(code: IssueCode, rule: string, text: string, name?: string): Issue {
  const issue: Issue = {
    severity: 'error',
    code,
    layer: 'service',
    rule,
    text: name === undefined ? text : `${name} ${text}`
  }
  // http.<name>: how R4 names a fault in a parameter, http://hl7.org/fhir/R4/operationoutcome.html
  return name === undefined ? issue : { ...issue, expression: [`http.${name}`] }
}
