// Records of other people who may be the same person: of one date of birth, family name and postcode, where the NHS number
// of one side is not certain. Read under the lock of the block, so that two who come at once see one another.
import type { DedupRules } from '../dedup/dedup-rules.js'
import { zonesOf, type Placed } from '../dedup/event-zones.js'
import type { NearStore } from '../storage/near-store.js'
import type { KnownEvent } from '../storage/event-store.js'

export interface InBlock extends Placed {
  blockKey: string
  isIdentified: boolean
}

export interface BlockRecords {
  /** Records of the block near this place, of any patient; read when it was not asked before. */
  recordsNear(place: InBlock): Promise<readonly KnownEvent[]>
  /** A record as the group leaves it; undefined: without a block. */
  set(event: KnownEvent, blockKey: string | undefined): void
}

/** For work on patients whose numbers are known. */
export const NO_BLOCKS: BlockRecords = { recordsNear: () => Promise.resolve([]), set: () => undefined }

export async function readBlockRecords(
  places: readonly InBlock[],
  store: Pick<NearStore, 'lockBlocks' | 'findInBlocks'>,
  rules: DedupRules
): Promise<BlockRecords> {
  const limit = 2 * (rules.maximumCandidates + 1)
  const blocks = new Map<string, Map<string, KnownEvent>>()
  const blockOf = new Map<string, string>()
  const asked = new Set<string>()
  const written = new Set<string>()

  async function ask(wanted: readonly InBlock[]): Promise<void> {
    const fresh = wanted.filter((place) => !asked.has(placeKey(place)))
    if (fresh.length === 0) return
    for (const place of fresh) asked.add(placeKey(place))
    await store.lockBlocks(locksOf(fresh))
    const zones = fresh.flatMap(({ blockKey, isIdentified, ...place }) =>
      zonesOf(place, rules).map((zone) => ({ ...zone, blockKey, isIdentified, day: place.lastDay }))
    )
    for (const { event, blockKey } of await store.findInBlocks(zones, limit))
      if (!written.has(event.recordId)) keep(event, blockKey)
  }

  function keep(event: KnownEvent, blockKey: string): void {
    blockOf.set(event.recordId, blockKey)
    recordsOf(blockKey).set(event.recordId, event)
  }

  function recordsOf(blockKey: string): Map<string, KnownEvent> {
    const known = blocks.get(blockKey) ?? new Map<string, KnownEvent>()
    blocks.set(blockKey, known)
    return known
  }

  await ask(places)
  return {
    async recordsNear(place) {
      await ask([place])
      return [...recordsOf(place.blockKey).values()]
    },
    set(event, blockKey) {
      written.add(event.recordId)
      const left = blockOf.get(event.recordId)
      if (left !== undefined) recordsOf(left).delete(event.recordId)
      if (blockKey !== undefined) keep(event, blockKey)
    }
  }
}

function locksOf(places: readonly InBlock[]): Map<string, 'shared' | 'alone'> {
  const locks = new Map<string, 'shared' | 'alone'>()
  for (const { blockKey, isIdentified } of places)
    if (!isIdentified) locks.set(blockKey, 'alone')
    else if (!locks.has(blockKey)) locks.set(blockKey, 'shared')
  return locks
}

function placeKey({ blockKey, isIdentified, vaccineType, day, lastDay }: InBlock): string {
  return [blockKey, isIdentified, vaccineType, day, lastDay].join(' ')
}
