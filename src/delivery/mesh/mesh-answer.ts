// What comes back from the MESH API, and what it says when it refuses.
import type { HttpAnswer, HttpTransport, TransportFault } from '../transport/http-transport.js'

export type MeshResult = { kind: 'answer'; answer: HttpAnswer } | { kind: 'fault'; fault: TransportFault }

/** One request under the mailbox's own authorisation. */
export type CallMailbox = (
  request: Omit<Parameters<HttpTransport['send']>[0], 'headers'>,
  headers?: Record<string, string>
) => Promise<MeshResult>

/** Code and description of a refusal, in either version of the API's errors. */
export function readRefusal(answer: HttpAnswer): string {
  const { errorCode, errorDescription, detail } = readObject(answer)
  if (typeof errorDescription === 'string') return joinTexts(errorCode, errorDescription)
  const first: unknown = Array.isArray(detail) ? detail[0] : undefined
  const { code, msg } = typeof first === 'object' && first !== null ? (first as Record<string, unknown>) : {}
  return joinTexts(code, msg)
}

function joinTexts(...parts: unknown[]): string {
  return parts.filter((part) => typeof part === 'string').join(' ')
}

/** The JSON object of an answer; an empty one for anything else. */
export function readObject(answer: HttpAnswer): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(answer.text)
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
