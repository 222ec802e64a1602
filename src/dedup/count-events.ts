// How many vaccinations event groups stand for, while it is open which of them are one. Pure.

/** An event group that counts. */
export interface CountedEvent {
  groupId: string
  /** YYYY-MM-DD of its survivor. */
  day: string
}

/**
 * Days ascending, one per vaccination. Groups that an undecided pair connects, be it through others, count once, on the
 * latest of their days: whoever plans the next dose by it does not plan it too early.
 */
export function countEvents(
  events: readonly CountedEvent[],
  undecided: readonly (readonly [string, string])[]
): string[] {
  const latest = new Map(events.map(({ groupId, day }) => [groupId, day]))
  const rootOf = connect(undecided.filter(([a, b]) => latest.has(a) && latest.has(b)))
  const counted = new Map<string, string>()
  for (const { groupId, day } of events) {
    const root = rootOf(groupId)
    const known = counted.get(root)
    if (known === undefined || known < day) counted.set(root, day)
  }
  return [...counted.values()].sort()
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
