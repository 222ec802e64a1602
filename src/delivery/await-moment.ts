// Waiting for a moment of a destination's rate, for a request that no claim has paid for.
import { setTimeout as delay } from 'node:timers/promises'
import type { DestinationStore } from '../storage/destination-store.js'

/** Never rejects: while the database is away a request waits as long as the rate keeps two requests apart. */
export async function awaitMoment(
  store: Pick<DestinationStore, 'reserveMoment'>,
  destination: string,
  ratePerSecond: number,
  signal: AbortSignal
): Promise<void> {
  const aheadMs = await store.reserveMoment(destination, ratePerSecond).catch(() => 1_000 / ratePerSecond)
  if (aheadMs > 0) await delay(aheadMs, undefined, { signal }).catch(() => undefined)
}
