// What must be true of every OperationOutcome, whatever was asked. Codes: http://hl7.org/fhir/R4/valueset-issue-type.html
// and http://hl7.org/fhir/R4/valueset-issue-severity.html, checked 2026-11-22.
import type { Answer } from './send.js'
import { select } from './select.js'

const SEVERITIES = ['fatal', 'error', 'warning', 'information']
const CODES = (
  'invalid structure required value invariant security login unknown expired forbidden suppressed processing ' +
  'not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly ' +
  'business-rule conflict transient lock-error no-store exception timeout incomplete throttled informational'
).split(' ')
/** Stack frames, SQL, folders of ours, and 999 NHS numbers. */
const LEAKS =
  /\n\s+at |node_modules|\bat \S+ \(|\.ts:\d|select .+ from |insert into|violates|\/(?:work|home|usr|src|dist)\/|\b999\d{7}\b/i

/** Everything that is wrong with an OperationOutcome. `refuses`: whether the status says that the request failed. */
export function outcomeFaults(answer: Answer, refuses: boolean): string[] {
  const text = answer.bytes.toString('utf8')
  const faults: string[] = []
  const type = answer.headers.get('content-type') ?? ''
  if (!/^application\/(?:fhir\+)?json; ?charset=utf-8$/i.test(type)) faults.push(`an outcome of type "${type}"`)
  let outcome: unknown
  try {
    outcome = JSON.parse(text)
  } catch {
    return [...faults, `no OperationOutcome but ${JSON.stringify(text.slice(0, 100))}`]
  }
  if (select(outcome, 'resourceType')[0] !== 'OperationOutcome') return [...faults, `no OperationOutcome`]
  const issues = select(outcome, 'issue[*]')
  const severities = select(outcome, 'issue[*].severity')
  const codes = select(outcome, 'issue[*].code')
  if (issues.length === 0) faults.push('an outcome without issues')
  if (severities.length !== issues.length || severities.some((value) => !SEVERITIES.includes(String(value))))
    faults.push(`severities ${severities.join(', ')}`)
  if (codes.length !== issues.length || codes.some((value) => !CODES.includes(String(value))))
    faults.push(`codes ${codes.join(', ')}`)
  if (severities.some((value) => value === 'error' || value === 'fatal') !== refuses)
    faults.push(refuses ? 'a refusal without an error' : 'a success with an error')
  if (/:(?:""|\[\]|\{\}|null)/.test(text)) faults.push('something empty in an outcome')
  const leak = LEAKS.exec(text)
  if (leak !== null) faults.push(`something inner is told: ${leak[0].trim()}`)
  return faults
}
