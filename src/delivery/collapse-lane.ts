// Which deliveries of a lane need not be sent any more, because a later state of the record takes their place. Pure; only
// for destinations that are sent the latest state.
import type { LaneEntry, LaneState } from '../storage/outbox-store.js'
import { isToldPresent, planPresence, type Place, type Wanting } from './plan-deliveries.js'

/** What the lane is about to be told of the record. */
export interface News {
  place: Exclude<Place, 'replaced'>
  version: number
  patientKey: string
}

/**
 * The deliveries that the news make needless; none where there is no news for the lane. What is told instead follows from
 * what is left: two operations that were never attempted come to one, or to none.
 *
 *     never told:      create + update = create, create + delete = nothing
 *     told:            update + update = update, update + delete = delete, delete + reinstate = update
 *     told, then gone: reinstate + update = reinstate, reinstate + delete = nothing
 *
 * Only what is about the same patient gives way: whoever watches the patient it was told of before must hear that it is
 * gone. What the message of another record tells (`replaced`) is not ours to take back.
 */
export function planCollapse(
  { place, version, patientKey }: News,
  lane: LaneState,
  destination: Pick<Wanting, 'versions' | 'followsPatient'>
): readonly LaneEntry[] {
  if (destination.versions !== 'latest') return []
  const stays = lane.pending.findLastIndex((entry) => entry.patientKey !== patientKey || entry.takeover === 'replaced')
  const needless = lane.pending.slice(stays + 1)
  const left = { ...lane, pending: lane.pending.slice(0, stays + 1) }
  return isNews(place, version, lane, left, destination.followsPatient === true) ? needless : []
}

function isNews(
  place: News['place'],
  version: number,
  lane: LaneState,
  left: LaneState,
  followsPatient: boolean
): boolean {
  // Totals that other records brought may count this one already: they must be told once more.
  if (place === 'absent') return isToldPresent(lane) && (isToldPresent(left) || !followsPatient)
  // What is left may be up to date, or a record that is merely kept may not have been told yet: then all stays.
  return planPresence(place, lane, version) !== undefined && planPresence(place, left, version) !== undefined
}
