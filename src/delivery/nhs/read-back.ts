// Whether the NHS Immunisation FHIR API holds what was delivered: found by identifier, read, compared. Writes nothing.
import type { Immunization } from 'fhir/r4.js'
import type { Delivery, ReadBack } from '../destination.js'
import type { CallTrace } from '../transport/http-destination.js'
import { same, unknownAfter } from '../transport/read-back.js'
import { readFound, type ImmunizationApi } from './immunization-api.js'
import { toOutboundImmunization } from './outbound-immunization.js'
import { hasSameContent } from './same-content.js'

export async function readBackRecord(
  delivery: Delivery,
  { api, trace }: { api: ImmunizationApi; trace: CallTrace }
): Promise<ReadBack> {
  const stored = JSON.parse(delivery.body) as Immunization
  const { system = '', value = '' } = stored.identifier?.[0] ?? {}
  const isWithdrawn = delivery.operation === 'delete' || stored.status !== 'completed'
  const found = await api.find({ system, value }, trace)
  if (found.kind !== 'answer' || found.answer.status !== 200) return unknownAfter(found)
  const record = readFound(found.answer)
  if (record === 'unreadable') return { kind: 'unknown', message: 'the search was answered with something unreadable' }
  if (record === undefined)
    return isWithdrawn ? same : { kind: 'missing', message: 'the receiver finds no record with this identifier' }
  const read = await api.read(record.id, trace)
  // A deleted record is still found by identifier (their defect VED-1263) and answers 404.
  if (read.kind === 'answer' && read.answer.status === 404)
    return isWithdrawn ? same : { kind: 'missing', message: 'the receiver has deleted this record' }
  if (read.kind !== 'answer' || read.answer.status !== 200 || read.answer.resource === undefined)
    return unknownAfter(read)
  if (isWithdrawn) return { kind: 'differs', message: 'the receiver still holds a record that was withdrawn' }
  return hasSameContent(toOutboundImmunization(stored).resource, read.answer.resource)
    ? same
    : { kind: 'differs', message: 'the receiver holds other content than was delivered' }
}
