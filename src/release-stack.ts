// What was built is released last-in first-out, each part even when another fails.

export interface ReleaseStack {
  /** Registers how to release what was just built, and hands it through. */
  add<Built>(name: string, built: Built, release: (built: Built) => void | Promise<void>): Built
  /** Releases everything once; later calls give the same promise. */
  release(): Promise<void>
}

export function createReleaseStack(onError: (name: string, error: unknown) => void): ReleaseStack {
  const entries: { name: string; release: () => void | Promise<void> }[] = []
  let released: Promise<void> | undefined

  async function releaseAll(): Promise<void> {
    for (const entry of entries.reverse()) {
      try {
        await entry.release()
      } catch (error) {
        onError(entry.name, error)
      }
    }
  }

  return {
    add(name, built, release) {
      entries.push({ name, release: () => release(built) })
      return built
    },
    release() {
      released ??= releaseAll()
      return released
    }
  }
}
