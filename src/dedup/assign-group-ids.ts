// New groups keep the ids of stored ones: other systems know them, and histories hang on them.
import type { Star } from './form-stars.js'

/**
 * One id for each star, in the order of the stars. A stored id goes to the star with which it shares most members, each
 * id and each star once; ties go to the lower id, then to the star that comes first. Stars left over get new ids;
 * stored ids left over are `emptied`.
 */
export function assignGroupIds(stars: readonly Star[], newGroupId: () => string): { ids: string[]; emptied: string[] } {
  const claims = stars.flatMap((star, index) =>
    countStored(star).map(([groupId, shared]) => ({ index, groupId, shared }))
  )
  claims.sort(
    (a, b) => b.shared - a.shared || (a.groupId < b.groupId ? -1 : a.groupId > b.groupId ? 1 : a.index - b.index)
  )
  const given = new Map<number, string>()
  const taken = new Set<string>()
  for (const { index, groupId } of claims) {
    if (given.has(index) || taken.has(groupId)) continue
    given.set(index, groupId)
    taken.add(groupId)
  }
  const emptied = new Set(claims.map(({ groupId }) => groupId).filter((groupId) => !taken.has(groupId)))
  return { ids: stars.map((_, index) => given.get(index) ?? newGroupId()), emptied: [...emptied].sort() }
}

function countStored(star: Star): [string, number][] {
  const shared = new Map<string, number>()
  for (const { groupId } of star.members) if (groupId !== undefined) shared.set(groupId, (shared.get(groupId) ?? 0) + 1)
  return [...shared]
}
