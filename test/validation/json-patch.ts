// The part of RFC 6902 that the fixtures use: add, replace and remove.

export interface PatchStep {
  op: 'add' | 'replace' | 'remove'
  path: string
  value?: unknown
}

/** A patched copy. */
export function applyPatch(document: unknown, steps: readonly PatchStep[]): unknown {
  const copy: unknown = structuredClone(document)
  for (const step of steps) applyStep(copy, step)
  return copy
}

function applyStep(root: unknown, step: PatchStep): void {
  const names = step.path.split('/').slice(1)
  const last = names.pop() ?? ''
  let owner = root as Record<string, unknown>
  for (const name of names) owner = (owner[name] ?? {}) as Record<string, unknown>
  if (step.op !== 'add' && !(last in owner)) throw new Error(`fixture patch: nothing at ${step.path}`)
  if (Array.isArray(owner))
    owner.splice(Number(last), step.op === 'add' ? 0 : 1, ...(step.op === 'remove' ? [] : [step.value]))
  else if (step.op === 'remove') Reflect.deleteProperty(owner, last)
  else owner[last] = structuredClone(step.value)
}
