// The element a supplier probably meant: for a hint, never for a decision.

/** The name within two edits of an unknown one; undefined when none is near. */
export function nearestName(unknown: string, names: Iterable<string>): string | undefined {
  if (unknown.length > 40 || unknown.length < 4) return undefined
  let best: { name: string; distance: number } | undefined
  for (const name of names) {
    if (name.startsWith('_') || Math.abs(name.length - unknown.length) > 2) continue
    const distance = editDistance(unknown.toLowerCase(), name.toLowerCase())
    if (distance <= 2 && (best === undefined || distance < best.distance)) best = { name, distance }
  }
  return best?.name
}

function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let line = 1; line <= from.length; line++) {
    const next = [line]
    for (let column = 1; column <= to.length; column++) {
      const change = from[line - 1] === to[column - 1] ? 0 : 1
      const above = (row[column] ?? 0) + 1
      const left = (next[column - 1] ?? 0) + 1
      next.push(Math.min(above, left, (row[column - 1] ?? 0) + change))
    }
    row = next
  }
  return row[to.length] ?? 0
}
