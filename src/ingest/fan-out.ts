// What destinations are told when records were grouped anew: of the record that has a new version, and of every record that
// began or ceased to count. When another record takes over, a destination that is sent survivors gets that one first and
// loses the earlier one after it, so that it is never without the vaccination.
import type { Immunization } from 'fhir/r4.js'
import {
  isToldPresent,
  placeOf,
  planPresence,
  tailOf,
  type Standing,
  type Wanting
} from '../delivery/plan-deliveries.js'
import { readImmunizationFacts, type ImmunizationFacts } from '../fhir/immunization.js'
import type { KnownEvent } from '../storage/event-store.js'
import type { NewDelivery } from '../storage/outbox-store.js'
import type { RecordHead } from '../storage/record-head.js'
import { collapseLanes, dropNeverTold, takeBackTakeover, type Placed } from './give-way.js'
import type { WorkingSet } from './working-set.js'

export interface Regrouping {
  /** The record whose new version regrouped the patient, where it was one; no facts when it is deleted. */
  touched?: { recordId: string; facts?: ImmunizationFacts }
  before: readonly KnownEvent[]
  after: readonly KnownEvent[]
}

interface Deps {
  destinations: readonly Wanting[]
  newId: () => string
}

/** Plans the deliveries; gives how many. */
export async function fanOut(regrouping: Regrouping, set: WorkingSet, deps: Deps): Promise<number> {
  const members = await readMembers(regrouping, set)
  let planned = 0
  for (const destination of deps.destinations) {
    const placed = members.map((member) => ({ ...member, place: placeOf(member.standing, destination) }))
    planned += await tellOne(destination, placed, set, deps.newId)
  }
  return planned
}

type Member = Omit<Placed, 'place'>
type Told = Pick<NewDelivery, 'operation' | 'successorId' | 'takeover' | 'isOver'>

async function tellOne(
  destination: Wanting,
  placed: readonly Placed[],
  set: WorkingSet,
  newId: () => string
): Promise<number> {
  const { name } = destination
  const { deliveries } = set
  const over = await dropNeverTold(name, placed, set)
  const collapsed = await collapseLanes(destination, placed, set)
  const dropped = new Set([...over.values(), ...collapsed.values()].flat())
  let planned = 0
  const add = ({ recordId, head, isTouched }: Placed, told: Told): void => {
    const { version, patientKey } = head
    const isAgain = !isTouched || version > 1
    const deliveryId = newId()
    deliveries.add({ deliveryId, destination: name, recordId, version, patientKey, isAgain, ...told })
    deliveries.nameSuperseding(collapsed.get(recordId) ?? [], deliveryId)
    if (told.isOver !== true) planned++
  }

  for (const member of placed) {
    const { recordId, place, head } = member
    if (place !== 'present' && place !== 'kept') continue
    if (place === 'present') await takeBackTakeover(name, recordId, dropped, set)
    const operation = planPresence(place, deliveries.laneOf(recordId, name), head.version)
    if (operation !== undefined) add(member, { operation })
  }
  for (const member of placed) {
    const { recordId, heirId } = member
    const heir = heirId === undefined ? undefined : liveTail(heirId, name, set)
    const told = planLoss(destination, member, { heir, isCollapsed: collapsed.has(recordId) }, set)
    if (told !== undefined) add(member, told)
    const waitedFor = [...(over.get(recordId) ?? []), ...(collapsed.get(recordId) ?? [])]
    await deliveries.passOn(waitedFor, liveTail(recordId, name, set) ?? heir)
  }
  return planned
}

// What is told of a record that the destination shall not have any more.
function planLoss(
  destination: Wanting,
  { recordId, place, head, heirId = '', isTouched }: Placed,
  { heir, isCollapsed }: { heir: LiveTail | undefined; isCollapsed: boolean },
  { deliveries }: WorkingSet
): Told | undefined {
  if (place !== 'absent' && place !== 'replaced') return undefined
  const lane = deliveries.laneOf(recordId, destination.name)
  if (place === 'replaced' && !isToldPresent(deliveries.laneOf(heirId, destination.name))) {
    // Somebody has given up sending the better one.
    const operation = planPresence('kept', lane, head.version)
    return operation && { operation }
  }
  // All that had been planned gave way: the receiver never hears of the record, and the version says so.
  if (!isToldPresent(lane)) return isCollapsed && isTouched ? { operation: 'delete', isOver: true } : undefined
  const isQuiet = lane?.pending.length === 0 && lane.last?.ended === true
  const isTold = destination.replaces === true && isQuiet && heir !== undefined && deliveries.isNew(heir.deliveryId)
  return {
    operation: 'delete',
    ...(heir === undefined ? {} : { successorId: heir.deliveryId }),
    ...(place === 'absent' ? {} : { takeover: isTold ? 'replaced' : 'withdrawn' })
  }
}

interface LiveTail {
  deliveryId: string
  recordId: string
}

function liveTail(recordId: string, destination: string, { deliveries }: WorkingSet): LiveTail | undefined {
  const lane = deliveries.laneOf(recordId, destination)
  const tail = tailOf(lane)
  if (tail === undefined || tail.operation === 'delete') return undefined
  if (lane?.pending.length === 0 && lane.last?.ended === true) return undefined
  return { deliveryId: tail.deliveryId, recordId }
}

// The touched record, and everything in groups of which a record began or ceased to count.
async function readMembers({ touched, before, after }: Regrouping, set: WorkingSet): Promise<Member[]> {
  const stood = new Map(before.map((event) => [event.recordId, event]))
  const groups = new Set(
    after.flatMap(({ recordId, groupId, isSurvivor }) =>
      isSurvivor === (stood.get(recordId)?.isSurvivor ?? false) ? [] : [groupId]
    )
  )
  const wanted = after.filter(({ recordId, groupId }) => recordId === touched?.recordId || groups.has(groupId))
  const survivors = new Map(after.flatMap((event) => (event.isSurvivor ? [[event.groupId, event]] : [])))
  const read = createReader(touched, set)
  const members: Member[] = []
  for (const event of wanted) {
    const { recordId, isSurvivor } = event
    const own = await read(recordId)
    if (own === undefined) continue
    const survivor = survivors.get(event.groupId)
    const survivorRead = survivor === undefined || isSurvivor ? undefined : await read(survivor.recordId)
    const heir = survivor ?? heirOf(stood.get(recordId), stood, after)
    members.push({
      recordId,
      head: own.head,
      isTouched: recordId === touched?.recordId,
      standing: {
        isSurvivor,
        ...candidateOf(own),
        ...(survivorRead === undefined ? {} : { survivor: { isSurvivor: true, ...candidateOf(survivorRead) } })
      },
      ...(heir === undefined || heir.recordId === recordId ? {} : { heirId: heir.recordId })
    })
  }
  return members
}

// Of a record that left its event: one that was in it and counts now in its stead.
function heirOf(
  left: KnownEvent | undefined,
  stood: ReadonlyMap<string, KnownEvent>,
  after: readonly KnownEvent[]
): KnownEvent | undefined {
  if (left?.isSurvivor !== true) return undefined
  return after.find(({ recordId, isSurvivor }) => isSurvivor && stood.get(recordId)?.groupId === left.groupId)
}

interface ReadRecord {
  head: Omit<RecordHead, 'nhsNumber'>
  facts?: ImmunizationFacts
}

function createReader(
  touched: Regrouping['touched'],
  set: WorkingSet
): (recordId: string) => Promise<ReadRecord | undefined> {
  const known = new Map<string, ReadRecord | undefined>()
  return async (recordId) => {
    if (!known.has(recordId)) known.set(recordId, await readRecord(recordId, touched, set))
    return known.get(recordId)
  }
}

async function readRecord(
  recordId: string,
  touched: Regrouping['touched'],
  set: WorkingSet
): Promise<ReadRecord | undefined> {
  const head = await set.lockAlso(recordId)
  if (head === undefined || head.deleted) return head && { head }
  if (recordId === touched?.recordId && touched.facts !== undefined) return { head, facts: touched.facts }
  const body = await set.currentBody(recordId)
  return body === undefined ? { head } : { head, facts: readImmunizationFacts(JSON.parse(body) as Immunization) }
}

function candidateOf({ head, facts }: ReadRecord): Pick<Standing, 'candidate'> {
  return facts === undefined ? {} : { candidate: { facts, vaccineType: head.vaccineType } }
}
