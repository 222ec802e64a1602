// How the NHS Immunisation FHIR API answers what it does not do: one issue, its text in diagnostics.
import { randomUUID } from 'node:crypto'
import { jsonAnswer, type SandboxAnswer } from './receiver.js'

export const FHIR_JSON = 'application/fhir+json'

export function outcome(status: number, code: string, diagnostics: string): SandboxAnswer {
  const coding = [{ system: 'https://fhir.nhs.uk/Codesystem/http-error-codes', code: code.toUpperCase() }]
  return jsonAnswer(
    status,
    {
      resourceType: 'OperationOutcome',
      id: randomUUID(),
      meta: { profile: ['https://simplifier.net/guide/UKCoreDevelopment2/ProfileUKCore-OperationOutcome'] },
      issue: [{ severity: 'error', code, details: { coding }, diagnostics }]
    },
    FHIR_JSON
  )
}
