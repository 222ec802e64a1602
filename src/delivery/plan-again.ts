// What a resend or a backfill sends of a record once its turn has come, or why nothing. Pure; the record is locked.
import type { Immunization } from 'fhir/r4.js'
import { readImmunizationFacts } from '../fhir/immunization.js'
import type { ReplayRecord } from '../storage/replay-records.js'
import type { ReplayMode } from '../storage/replay.js'
import type { DeliveryOperation } from './destination.js'
import { placeOf, type Wanting } from './plan-deliveries.js'

export type Again = { kind: 'send'; version: number; operation: DeliveryOperation } | { kind: 'skip'; because: string }

export interface AgainRequest {
  mode: Exclude<ReplayMode, 'retry'>
  /** Of resend-exact. */
  version: number | null
  allowStale: boolean
}

export function planAgain(record: ReplayRecord | undefined, request: AgainRequest, destination: Wanting): Again {
  if (record === undefined) return skip('The record is not there any more')
  switch (request.mode) {
    case 'backfill':
      return planBackfill(record, destination)
    case 'resend-latest':
      return planLatest(record)
    case 'resend-exact':
      return planExact(record, request)
  }
}

function planBackfill({ deleted, lane, body, ...record }: ReplayRecord, destination: Wanting): Again {
  if (lane.length > 0) return skip('It went there since')
  if (deleted || body === null) return skip('The record is deleted since')
  const facts = readImmunizationFacts(JSON.parse(body) as Immunization)
  const { vaccineType, isSurvivor } = record
  if (placeOf({ candidate: { facts, vaccineType }, isSurvivor }, destination) !== 'present')
    return skip('The destination is not sent such a record')
  return { kind: 'send', version: record.currentVersion, operation: 'create' }
}

function planLatest({ lane, deleted, currentVersion }: ReplayRecord): Again {
  const last = lane.at(-1)
  if (last === undefined || !lane.some(({ isDelivered }) => isDelivered)) return skip('It never arrived there')
  if (!last.isDelivered && last.version === currentVersion) return skip('Its current version is on its way')
  if (deleted) return { kind: 'send', version: currentVersion, operation: 'delete' }
  if (last.operation === 'delete') return skip('It was taken back there: another record counts in its place')
  return { kind: 'send', version: currentVersion, operation: 'update' }
}

/** What the receiver has is overwritten, whatever the version was when it was first sent. */
function planExact({ lane, operations }: ReplayRecord, { version, allowStale }: AgainRequest): Again {
  if (version === null) return skip('It names no version')
  const operation = operations[version - 1] === 'delete' ? 'delete' : 'update'
  const isTakenBack = lane.at(-1)?.operation === 'delete' && operation !== 'delete'
  if (!allowStale && (isTakenBack || lane.some((delivery) => delivery.version > version)))
    return skip('Something later was sent since, or is on its way')
  return { kind: 'send', version, operation: isTakenBack ? 'reinstate' : operation }
}

function skip(because: string): Again {
  return { kind: 'skip', because }
}
