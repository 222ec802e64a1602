// Waiting that can be cut short. A ring that comes while nobody waits is kept for the next wait.

export interface Bell {
  ring(): void
  /** Until it rings, at most so long. */
  wait(timeoutMs: number): Promise<void>
}

export function createBell(): Bell {
  let hasRung = false
  let answer: (() => void) | undefined
  return {
    ring() {
      hasRung = true
      answer?.()
    },
    async wait(timeoutMs) {
      if (!hasRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs)
          answer = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      answer = undefined
      hasRung = false
    }
  }
}
