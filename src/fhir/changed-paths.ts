// Where two versions of a resource differ, for telling a sender what changed.

/**
 * FHIRPaths at which `after` differs from `before`, at most `limit`. Paths only, never values.
 * Server fields (id, meta) and narrative do not count.
 */
export function changedPaths(resourceType: string, before: object, after: object, limit = 50): string[] {
  const paths: string[] = []
  compare(withoutServerFields(before), withoutServerFields(after), resourceType, paths)
  return paths.slice(0, limit)
}

function withoutServerFields(resource: object): object {
  return Object.fromEntries(
    Object.entries(resource).filter(([key]) => key !== 'id' && key !== 'meta' && key !== 'text')
  )
}

function compare(before: unknown, after: unknown, path: string, paths: string[]): void {
  if (isObject(before) && isObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)])
    for (const key of keys) {
      const step = Array.isArray(before) ? `${path}[${key}]` : `${path}.${key}`
      compare(before[key], after[key], step, paths)
    }
  } else if (before !== after) paths.push(path)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
