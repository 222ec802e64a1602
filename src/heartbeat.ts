// Every few seconds this process tells the database that it runs, how it is, and what it has counted.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Log } from './queue/log.js'
import type { FleetCount, ProcessStore } from './storage/process-store.js'
import type { FleetTally } from './fleet-tally.js'

export interface Heartbeat {
  /** Resolves once it was told the first time. */
  start(): Promise<void>
  /** Tells the last counts, and that this process has ended as it should. */
  stop(): Promise<void>
}

export interface HeartbeatDeps {
  store: ProcessStore
  tally: FleetTally
  processId: string
  name: string
  roles: readonly string[]
  /** Connections of the pool: open, idle, and callers that wait for one. */
  readPool(): { totalCount: number; idleCount: number; waitingCount: number }
  log: Log
  /** Milliseconds of Unix time by the clock of this process. */
  clock: () => number
  /** Told at every beat how far that clock is ahead of PostgreSQL's, and how long asking took. */
  onSkew?: (skewMs: number, askingMs: number) => void
  everyMs?: number
}

const EVERY_MS = 5_000
/** A timer of this length is watched: what it takes longer is the lag. */
const LAG_RESOLUTION_MS = 20

export function createHeartbeat(deps: HeartbeatDeps): Heartbeat {
  const { store, tally, log, clock, everyMs = EVERY_MS } = deps
  const { processId, name, roles } = deps
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
  let clockSkewMs = 0
  let timer: NodeJS.Timeout | undefined
  let beating: Promise<void> = Promise.resolve()

  const beat = async (): Promise<void> => {
    const { totalCount, idleCount, waitingCount } = deps.readPool()
    const gauges = {
      eventLoopLagSeconds: Math.max(lag.percentile(99) / 1e9 - LAG_RESOLUTION_MS / 1e3, 0),
      poolOpen: totalCount,
      poolIdle: idleCount,
      poolWaiting: waitingCount,
      memoryBytes: process.memoryUsage.rss()
    }
    lag.reset()
    const asked = clock()
    const databaseMs = await store.report({ processId, name, roles, clockSkewMs, gauges })
    const answered = clock()
    clockSkewMs = (asked + answered) / 2 - databaseMs
    deps.onSkew?.(clockSkewMs, answered - asked)
    await flush()
  }
  const flush = async (): Promise<void> => {
    const counts: FleetCount[] = tally.take()
    try {
      await store.addCounts(counts)
    } catch (error) {
      tally.putBack(counts)
      throw error
    }
  }
  const beatQuietly = (): Promise<void> =>
    beat().catch((error: unknown) => {
      log.warn({ err: error }, 'process.not_reported')
    })
  return {
    async start() {
      lag.enable()
      // Twice: the first one measures the clock.
      await beatQuietly()
      await beatQuietly()
      timer = setInterval(() => {
        beating = beating.then(beatQuietly)
      }, everyMs)
      timer.unref()
    },
    async stop() {
      clearInterval(timer)
      lag.disable()
      await beating
      await flush()
        .then(() => store.remove(processId))
        .catch((error: unknown) => {
          log.warn({ err: error }, 'process.not_reported')
        })
    }
  }
}
