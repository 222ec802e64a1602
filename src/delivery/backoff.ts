// How long to wait before the next attempt: exponential, with full jitter, so that what failed together does not come
// back together (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).

/**
 * Milliseconds to wait. `attempt`: the one that just failed, counted from 1. `random`: from 0 up to 1, hands in the
 * jitter. `floorMs`: what the receiver asked for, or the quiet after an unknown outcome; the jitter comes on top of it.
 * @throws RangeError when attempt is below 1 (a bug of the caller, not of the receiver)
 */
export function backoffMs(
  attempt: number,
  { firstMs, longestMs }: { firstMs: number; longestMs: number },
  random: number,
  floorMs = 0
): number {
  if (attempt < 1) throw new RangeError(`attempts count from 1, found ${attempt}`)
  return floorMs + random * Math.min(longestMs, firstMs * 2 ** (attempt - 1))
}
