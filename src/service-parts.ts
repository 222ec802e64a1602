// What the roles of one process are built from.
import type { VerifierKeys } from './http/token-verifier.js'
import type { BlockOf } from './dedup/patient-block.js'
import type { ConfiguredDestination } from './delivery/destination.js'
import type { DeliveryPolicy } from './delivery/policy.js'
import type { Log as QueueLog } from './queue/log.js'
import type { Queues } from './queue/queues.js'
import type { Database } from './storage/database.js'
import type { DatabaseConnection } from './storage/pool.js'
import type { Config } from './config.js'
import type { DestinationEntry } from './destinations.js'
import type { LiveRules } from './live-rules.js'
import type { Log } from './log.js'

export interface ServiceOptions {
  config: Config
  connection: DatabaseConnection
  destinations: readonly DestinationEntry[]
  /** Who may call; undefined without the api role. */
  auth?: { issuer: string; audience: string; keys: VerifierKeys }
  log: Log
  now?: () => Date
  /** Tests hand in other waits. */
  policy?: DeliveryPolicy
}

/** Shared by the roles. */
export interface Parts {
  database: Database
  liveRules: LiveRules
  blockOf: BlockOf
  destinations: readonly ConfiguredDestination[]
  queues: Queues
  policy: DeliveryPolicy
  now: () => Date
  chainId: string
  /** What the fleet counts are lines of the log: this one counts them as they pass. */
  counted: QueueLog
}
