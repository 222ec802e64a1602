// Tolerant mode, for a supplier whose token says so: what is empty is cut out of the text before it is judged. The text
// that is kept and served must be valid FHIR, so it is the cut one; a refused submission is kept as it was sent.
import { cutEmpties } from '../fhir/cut-empties.js'
import type { Issue } from '../fhir/issue.js'
import { parseJson } from '../fhir/parse-json.js'
import { dropEmpties } from '../validation/drop-empties.js'
import type { Payload } from './submission.js'

/** The payload without empties, and one issue for each that was cut; the payload itself where there are none. */
export function tolerate(payload: Payload): { payload: Payload; issues: Issue[] } {
  const { resource, issues } = dropEmpties(payload.value)
  if (resource === payload.value) return { payload, issues: [] }
  const { sentText = payload.text } = payload
  return { payload: { ...parseJson(Buffer.from(cutEmpties(payload.text))), sentText }, issues }
}
