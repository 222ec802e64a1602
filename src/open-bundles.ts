// Bundles of the api role: the use case behind them, and the worker of those that are answered later.
import { uuidv7 } from 'uuidv7'
import type { History } from './history/history.js'
import { createBundleWorker, type BundleWorker } from './http/bundle/bundle-worker.js'
import type { HttpServerDeps } from './http/server.js'
import type { ProgrammeVerdict } from './ingest/judge.js'
import type { Preview } from './ingest/preview.js'
import type { Ingest } from './ingest/submission.js'
import { createTogether } from './ingest/together.js'
import type { HistoryStore } from './storage/history-store.js'
import type { Config } from './config.js'
import type { Log } from './log.js'
import type { ReleaseStack } from './release-stack.js'
import type { Parts } from './service-parts.js'

export interface BundleParts {
  ingest: Ingest
  preview: Preview
  history: History
  /** A history that reads within a transaction. */
  historyOn: (store: HistoryStore) => History
  config: Pick<Config, 'bundleLimitBytes' | 'terminology'>
  /** Where the API is reached; known once it listens. */
  base: () => string
  /** Tells a relay of this process that deliveries were made. */
  wake: () => void
  onJudged: (verdict: ProgrammeVerdict) => void
  onCrowded: (recordIds: readonly string[]) => void
  onSuperseded: (superseded: ReadonlyMap<string, number>) => void
}

/** The worker is to be started once `base` is known. */
export function openBundles(
  { database, liveRules, blockOf, destinations, now, chainId }: Parts,
  { ingest, preview, history, historyOn, config, base, wake, ...told }: BundleParts,
  log: Log,
  stack: ReleaseStack
): { bundles: HttpServerDeps['bundles']; worker: BundleWorker } {
  const together = createTogether({
    database,
    judges: liveRules.rules,
    rules: liveRules.rules,
    blockOf,
    destinations,
    now,
    newId: uuidv7,
    asksTerminology: config.terminology !== undefined,
    auditChainId: chainId,
    onCommitted: wake,
    ...told
  })
  stack.add('transactions', together, (opened) => opened.close())
  const common = {
    together,
    historyOn,
    jobs: database.stores.bundleJobs,
    maxBytes: config.bundleLimitBytes
  }
  const judgeByProfile = (value: unknown, profile: string) => preview.judgeByProfile(value, profile)
  const worker = createBundleWorker({ ...common, ingest, history, judgeByProfile, now, base, log })
  stack.add('bundle worker', worker, (started) => started.stop())
  const wakeWorker = (): void => {
    worker.wake()
  }
  return { bundles: { ...common, wake: wakeWorker }, worker }
}
