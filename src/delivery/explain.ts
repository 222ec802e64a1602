// Tells the story of one record: where each version is at each destination, why, and what to do next.
// Never a patient's data.
import type { RecordStory, StoryDelivery } from '../storage/ops-record-queries.js'
import { isOpen } from './explain-acknowledgement.js'
import { explainDelivery, type Told } from './explain-delivery.js'
import { explainEvent, type EventExplanation } from './explain-event.js'
import { explainRemarks, type Remark } from './explain-remarks.js'

export interface RecordExplanation {
  recordId: string
  vaccineType: string
  /** Supplier that created it. */
  owner: string
  status: string
  currentVersion: number
  deleted: boolean
  lastUpdated: Date
  /** `trouble` when something of this record waits for a person. */
  verdict: 'ok' | 'trouble'
  /** Newest first. */
  versions: VersionExplanation[]
  event: EventExplanation
}

export interface VersionExplanation {
  version: number
  operation: string
  supplier: string
  receivedAt: Date
  /** Why it was deleted; null when nobody said. */
  reason: string | null
  /** What was said of it and did not refuse it. */
  remarks: Remark[]
  deliveries: DeliveryExplanation[]
}

export interface DeliveryExplanation extends Told {
  destination: string
  /** Null where this version was never planned for the destination. */
  deliveryId: string | null
  state: string | null
}

export function explainRecord(story: RecordStory, now: Date): RecordExplanation {
  return {
    recordId: story.recordId,
    vaccineType: story.vaccineType,
    owner: story.owner,
    status: story.status,
    currentVersion: story.currentVersion,
    deleted: story.deleted,
    lastUpdated: story.lastUpdated,
    verdict: story.deliveries.some(waitsForPerson) ? 'trouble' : 'ok',
    versions: story.versions.toReversed().map((version) => ({
      version: version.version,
      operation: version.operation,
      supplier: version.supplier,
      receivedAt: version.receivedAt,
      reason: version.reason,
      remarks: explainRemarks(version),
      deliveries: explainVersion(version.version, story, now)
    })),
    event: explainEvent(story)
  }
}

function waitsForPerson({ state, acknowledgement }: StoryDelivery): boolean {
  return state === 'held' || (acknowledgement !== null && isOpen(acknowledgement))
}

function explainVersion(version: number, story: RecordStory, now: Date): DeliveryExplanation[] {
  const names = [...story.destinations, ...story.deliveries].map(({ destination }) => destination)
  return [...new Set(names)].sort().flatMap((name) => {
    const lane = story.deliveries.filter((delivery) => delivery.destination === name)
    const destination = story.destinations.find((known) => known.destination === name)
    const planned = lane.filter((delivery) => delivery.version === version)
    if (planned.length === 0) return [unplanned(version, name)]
    return planned.map((delivery) => ({
      destination: name,
      deliveryId: delivery.deliveryId,
      state: delivery.state,
      ...explainDelivery(delivery, { recordId: story.recordId, lane, destination, now })
    }))
  })
}

function unplanned(version: number, destination: string): DeliveryExplanation {
  return {
    destination,
    deliveryId: null,
    state: null,
    sentence: `Version ${version} was not planned for ${destination}: it did not ask for this record when the version came in.`,
    next: []
  }
}
