// Whether a FHIR server holds what was delivered: found by identifier, as it is, and compared. Writes nothing.
import type { Immunization } from 'fhir/r4.js'
import type { Delivery, ReadBack } from '../destination.js'
import { hasSameContent } from '../nhs/same-content.js'
import type { CallTrace } from '../transport/http-destination.js'
import { same, unknownAfter } from '../transport/read-back.js'
import { toOutbound } from './outbound.js'
import { readMatches, type ServerApi } from './server-api.js'

export async function readBackFromServer(
  delivery: Delivery,
  { api, trace }: { api: ServerApi; trace: CallTrace }
): Promise<ReadBack> {
  const ours = toOutbound(JSON.parse(delivery.body) as Immunization)
  const found = await api.find(ours, trace)
  if (found.kind !== 'answer' || found.answer.status !== 200) return unknownAfter(found)
  const matches = readMatches(found.answer)
  if (matches === 'unreadable') return { kind: 'unknown', message: 'the search was answered with something unreadable' }
  const [match] = matches
  if (delivery.operation === 'delete') {
    return match === undefined
      ? same
      : { kind: 'differs', message: 'the receiver still holds a record that was withdrawn' }
  }
  if (match === undefined) return { kind: 'missing', message: 'the receiver finds no record with this identifier' }
  if (matches.length > 1)
    return { kind: 'differs', message: `the receiver has ${matches.length} records with this identifier` }
  return hasSameContent(ours, match)
    ? same
    : { kind: 'differs', message: 'the receiver holds other content than was delivered' }
}
