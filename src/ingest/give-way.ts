// What a destination need not be sent any more: deliveries that were never attempted and that give way, to the record which
// counts now or, at a destination that is sent the latest state, to a later state of their own record.
import { planCollapse, type News } from '../delivery/collapse-lane.js'
import { isToldPresent, tailOf, type Place, type Standing, type Wanting } from '../delivery/plan-deliveries.js'
import type { RecordHead } from '../storage/record-head.js'
import type { WorkingSet } from './working-set.js'

/** A record that is looked at, because it has a new version or began or ceased to count. */
export interface Placed {
  recordId: string
  head: Omit<RecordHead, 'nhsNumber'>
  standing: Standing
  /** It has a new version. */
  isTouched: boolean
  /** The record that counts for the same vaccination now; for one that does not count any more, that did with it before. */
  heirId?: string
  place: Place
}

/** Ids of deliveries that are over, by record. */
export type GivenWay = ReadonlyMap<string, string[]>

/** Records that gave way before anything of them was attempted: nothing needs to be sent, nor taken back. */
export async function dropNeverTold(
  destination: string,
  placed: readonly Placed[],
  set: WorkingSet
): Promise<GivenWay> {
  const over = new Map<string, string[]>()
  for (const member of placed) {
    const { recordId, place } = member
    const lane = set.deliveries.laneOf(recordId, destination)
    if (place !== 'replaced' || lane === undefined || !isToldPresent(lane)) continue
    if (!hasHeir(member, destination, placed, set)) continue
    if (lane.last !== undefined && lane.last.operation !== 'delete') continue
    over.set(recordId, await set.deliveries.supersede(recordId, destination, lane.pending))
  }
  return over
}

/** Earlier states that were never attempted. Before anything is planned: what waits for them may be taken back. */
export async function collapseLanes(
  destination: Wanting,
  placed: readonly Placed[],
  set: WorkingSet
): Promise<GivenWay> {
  const over = new Map<string, string[]>()
  if (destination.versions !== 'latest') return over
  for (const member of placed) {
    const { recordId, head } = member
    const place = newsOf(member, destination.name, placed, set)
    if (place === undefined) continue
    if (place === 'present') await takeBackTakeover(destination.name, recordId, new Set(), set)
    const lane = set.deliveries.laneOf(recordId, destination.name)
    if (lane === undefined) continue
    const { version, patientKey } = head
    const needless = planCollapse({ place, version, patientKey }, lane, destination)
    if (needless.length === 0) continue
    over.set(recordId, await set.deliveries.collapse(recordId, destination.name, needless))
  }
  return over
}

/**
 * It counts again before its receiver was told that it did not. One that its successor's message tells of can only be taken
 * back with that message.
 */
export async function takeBackTakeover(
  destination: string,
  recordId: string,
  dropped: ReadonlySet<string>,
  { deliveries }: WorkingSet
): Promise<void> {
  const lane = deliveries.laneOf(recordId, destination)
  const tail = tailOf(lane)
  if (tail?.takeover === undefined || lane?.pending.at(-1) !== tail) return
  if (tail.takeover === 'replaced' && !dropped.has(tail.successorId ?? '')) return
  await deliveries.supersede(recordId, destination, [tail])
}

// One that another takes the place of is told in its present form until that one has arrived, and then deleted: what is on
// its way goes first.
function newsOf(
  member: Placed,
  destination: string,
  placed: readonly Placed[],
  set: WorkingSet
): News['place'] | undefined {
  if (member.place !== 'replaced') return member.place
  return hasHeir(member, destination, placed, set) ? undefined : 'kept'
}

/** The record that takes its place is there, or comes; not where somebody has given up sending it. */
function hasHeir(
  { heirId = '' }: Placed,
  destination: string,
  placed: readonly Placed[],
  { deliveries }: WorkingSet
): boolean {
  const isComing = placed.some((member) => member.recordId === heirId && member.place === 'present')
  return isComing || isToldPresent(deliveries.laneOf(heirId, destination))
}
