// X-Delete-Reason: why a record is taken back, for whoever reads its history. In a header, because URLs end up in logs.
import type { IncomingHttpHeaders } from 'node:http'
import { doorFault } from './door-fault.js'

/** 1 to 200 characters; undefined where none is given. @throws FhirError 400 for anything else */
export function readDeleteReason(headers: IncomingHttpHeaders): string | undefined {
  const header = headers['x-delete-reason']
  if (header === undefined) return undefined
  const reason = decode(String(header)).trim()
  if (/^[^\p{Cc}\p{Cs}]{1,200}$/u.test(reason)) return reason
  const text =
    'X-Delete-Reason must be 1 to 200 characters without line breaks; leave it out where there is no reason to tell'
  throw doorFault(400, 'invalid', 'delete-reason', text)
}

// Node reads headers as latin1; what was sent as UTF-8 is put right.
function decode(header: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(header, 'latin1'))
  } catch {
    return header
  }
}
