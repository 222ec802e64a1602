// How many vaccinations event groups stand for, while it is open which of them are one. Pure.

/** An event group that counts. */
export interface CountedEvent {
  groupId: string
  /** YYYY-MM-DD of its survivor. */
  day: string
}

/** Days ascending, one per vaccination: those of {@link pickCounted}. */
export function countEvents(
  events: readonly CountedEvent[],
  undecided: readonly (readonly [string, string])[]
): string[] {
  return pickCounted(events, undecided)
    .map(({ day }) => day)
    .sort()
}

/**
 * One event per vaccination. Of groups that an undecided pair connects, be it through others, the one of the latest day
 * (of these the lowest id): whoever plans the next dose by it does not plan it too early.
 */
export function pickCounted<Event extends CountedEvent>(
  events: readonly Event[],
  undecided: readonly (readonly [string, string])[]
): Event[] {
  const known = new Set(events.map(({ groupId }) => groupId))
  const rootOf = connect(undecided.filter(([a, b]) => known.has(a) && known.has(b)))
  const counted = new Map<string, Event>()
  for (const event of events) {
    const root = rootOf(event.groupId)
    const best = counted.get(root)
    if (best === undefined || isLater(event, best)) counted.set(root, event)
  }
  return [...counted.values()]
}

function isLater(a: CountedEvent, b: CountedEvent): boolean {
  return a.day === b.day ? a.groupId < b.groupId : a.day > b.day
}

// Two groups are connected when they have one root.
function connect(pairs: readonly (readonly [string, string])[]): (groupId: string) => string {
  const parents = new Map<string, string>()
  const rootOf = (groupId: string): string => {
    let root = groupId
    for (let parent = parents.get(root); parent !== undefined; parent = parents.get(root)) root = parent
    return root
  }
  for (const [a, b] of pairs) {
    const [rootA, rootB] = [rootOf(a), rootOf(b)]
    if (rootA !== rootB) parents.set(rootA, rootB)
  }
  return rootOf
}
