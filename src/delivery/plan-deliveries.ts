// What a destination is still to be told of one record. Pure; called inside the transaction that changes something.
import type { LaneEntry, LaneState } from '../storage/outbox-store.js'
import type { ConfiguredDestination, DeliveryCandidate, DeliveryOperation } from './destination.js'

/** The part of a Destination that planning needs. */
export type Wanting = Pick<
  ConfiguredDestination,
  'name' | 'sends' | 'versions' | 'wants' | 'followsPatient' | 'replaces' | 'findRecords'
>

/** A record as planning sees it. */
export interface Standing {
  /** Undefined when it is deleted. */
  candidate?: DeliveryCandidate
  isSurvivor: boolean
  /** The record that counts for the same vaccination; undefined where none does. */
  survivor?: Standing
}

/**
 * What a destination should have of a record.
 * `present` it, in its current version.
 * `kept`    its current version if it has been told of the record, else nothing: it counts, but the record that took its
 *           place, or this one in its present form, is none that the destination takes. A receiver is not left without the
 *           vaccination, nor with a stale version.
 * `replaced` the survivor of its event instead.
 * `absent`  nothing: it is deleted, was entered in error or not given, or is not of the records that the destination is sent.
 */
export type Place = 'present' | 'kept' | 'replaced' | 'absent'

export function placeOf({ candidate, isSurvivor, survivor }: Standing, destination: Wanting): Place {
  if (candidate === undefined) return 'absent'
  const { facts } = candidate
  if (!destination.wants(candidate)) return facts.status === 'completed' ? 'kept' : 'absent'
  switch (destination.sends) {
    case 'all':
      return 'present'
    case 'primary':
      return facts.primarySource ? 'present' : 'absent'
    case 'survivors': {
      if (isSurvivor) return 'present'
      if (survivor?.candidate === undefined) return 'absent'
      return destination.wants(survivor.candidate) ? 'replaced' : 'kept'
    }
  }
}

/** The last thing a lane tells; undefined where it tells nothing. */
export function tailOf(lane: LaneState | undefined): LaneEntry | undefined {
  return lane?.pending.at(-1) ?? lane?.last
}

/** Whether the receiver has the record once everything in its lane has arrived. */
export function isToldPresent(lane: LaneState | undefined): boolean {
  const tail = tailOf(lane)
  return tail !== undefined && tail.operation !== 'delete'
}

/**
 * What is to be added to the lane of a record that the destination shall have, given its current version; undefined for
 * nothing. A destination that has never heard of the record is sent a create, whatever the version is here.
 */
export function planPresence(
  place: 'present' | 'kept',
  lane: LaneState | undefined,
  version: number
): Exclude<DeliveryOperation, 'delete'> | undefined {
  const tail = tailOf(lane)
  if (tail !== undefined && tail.operation !== 'delete') return tail.version < version ? 'update' : undefined
  if (place === 'kept') return undefined
  return tail === undefined ? 'create' : 'reinstate'
}
