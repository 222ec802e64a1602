// One question to the terminology server: $validate-code with the value set sent along, or of the code system where there
// is none. Code and system are all that leaves: no display, no record, no patient.
import type { JsonObject } from '../validation/definitions/structure-definition.js'
import type { Question } from '../validation/terminology-questions.js'
import { readReply, type Reply } from './read-reply.js'

export interface TerminologyClientOptions {
  /** Base URL without a slash at its end. */
  url: string
  token?: string
  timeoutMs: number
  /** Larger answers are not read. */
  answerBytes: number
  findValueSet: (name: string) => JsonObject | undefined
}

/** Never rejects, unless `stop` is what ended it. */
export type AskServer = (question: Question, stop: AbortSignal) => Promise<Reply>

/** Of what a server asks for by Retry-After, in milliseconds. */
const LONGEST_REST_MS = 300_000

export function createTerminologyClient(options: TerminologyClientOptions): AskServer {
  const headers = {
    accept: 'application/fhir+json',
    'content-type': 'application/fhir+json',
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` })
  }
  return async (question, stop) => {
    const asked = requestFor(question, options.findValueSet)
    if (asked === undefined) return { kind: 'failed', of: 'question', problem: 'the value set is no longer at hand' }
    const limit = AbortSignal.timeout(options.timeoutMs)
    try {
      const response = await fetch(`${options.url}/${asked.path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ resourceType: 'Parameters', parameter: asked.parameter }),
        redirect: 'manual',
        signal: AbortSignal.any([limit, stop])
      })
      const text = await readText(response, options.answerBytes)
      if (text === undefined) return { kind: 'failed', of: 'question', problem: 'its answer is too large' }
      return withRest(readReply(response.status, text), response.headers)
    } catch (error) {
      if (stop.aborted) throw error
      const problem = limit.aborted ? `it did not answer within ${options.timeoutMs} ms` : 'it cannot be reached'
      return { kind: 'failed', of: 'server', problem }
    }
  }
}

function requestFor(
  { valueSet: name, system, code }: Question,
  findValueSet: TerminologyClientOptions['findValueSet']
): { path: string; parameter: object[] } | undefined {
  if (name === '') {
    const parameter = [
      { name: 'url', valueUri: system },
      { name: 'code', valueCode: code }
    ]
    return { path: 'CodeSystem/$validate-code', parameter }
  }
  const resource = findValueSet(name)
  if (resource === undefined) return undefined
  const parameter = [
    { name: 'valueSet', resource },
    { name: 'coding', valueCoding: { system, code } }
  ]
  return { path: 'ValueSet/$validate-code', parameter }
}

/** Undefined when there is more than that; the rest is not fetched. */
async function readText(response: Response, mostBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    // Leaving the loop cancels the stream.
    if (bytes > mostBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function withRest(reply: Reply, headers: Headers): Reply {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  if (reply.kind === 'answered' || !(seconds >= 0)) return reply
  return { ...reply, retryAfterMs: Math.min(seconds * 1_000, LONGEST_REST_MS) }
}
