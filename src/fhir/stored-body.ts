// The text that is stored and served: what was sent, with the server's id and meta in place of the sender's.
import type { ParsedJson } from './parse-json.js'

export interface ServerFields {
  id: string
  version: number
  lastUpdated: Date
}

/**
 * Splices id, meta.versionId and meta.lastUpdated into the text of a resource. Every other member stays byte for byte
 * as it was sent (decimals keep their digits); meta keeps the sender's profile, tag and security.
 */
export function composeStoredBody(payload: ParsedJson, resourceType: string, server: ServerFields): string {
  const sent = payload.value as { meta?: unknown }
  const meta = {
    ...(typeof sent.meta === 'object' ? sent.meta : {}),
    versionId: String(server.version),
    lastUpdated: server.lastUpdated.toISOString()
  }
  let text = `{"resourceType":${JSON.stringify(resourceType)},"id":${JSON.stringify(server.id)},"meta":${JSON.stringify(meta)}`
  for (const [name, span] of payload.members) {
    if (name === 'resourceType' || name === 'id' || name === 'meta') continue
    text += `,${payload.text.slice(span.start, span.end)}`
  }
  return `${text}}`
}
