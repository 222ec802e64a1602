// What the desk of operations staff is built from: proofs, the doctor, probes, limits and breakers.
import { randomBytes } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import { hostname } from 'node:os'
import { createAttemptFeed } from './delivery/attempt-feed.js'
import { createBoardEntries } from './delivery/board-entries.js'
import { createDoctor } from './delivery/doctor.js'
import { DELIVERY_POLICY } from './delivery/policy.js'
import { createProbe } from './delivery/probe-destination.js'
import { createDestinationTuning } from './delivery/tune-destination.js'
import { createVerifier } from './delivery/verify.js'
import { createBoardPasses } from './http/board-pass.js'
import type { OpsBoardDeps } from './http/ops-board.js'
import type { OpsDeskDeps } from './http/ops-desk.js'
import type { OpsTailDeps } from './http/ops-tail.js'
import { countMigrations } from './storage/migrate.js'
import type { Parts, ServiceOptions } from './service-parts.js'

/** `base`: where callers reach the service. */
export async function openOpsDesk(
  { config }: ServiceOptions,
  parts: Parts,
  base: () => string
): Promise<Omit<OpsDeskDeps, 'ops' | 'now'> & OpsBoardDeps & Pick<OpsTailDeps, 'feed'>> {
  const { database, destinations, queues, liveRules, now, chainId: auditChainId, counted: log } = parts
  const isEmbedded = config.databaseUrl === undefined
  const doctor = createDoctor({
    database,
    queues,
    destinations,
    migrations: await countMigrations(),
    isEmbedded,
    readFreeBytes: () => (isEmbedded ? freeBytesOf(config.dataDir) : Promise.resolve(undefined)),
    readProgrammes() {
      const { programmes, version, fault } = liveRules.status()
      return { count: programmes.length, version, ...(fault === undefined ? {} : { fault: fault.message }) }
    },
    now
  })
  const boardKey = await database.stores.serviceKeys.findOrKeep('board', randomBytes(32))
  return {
    board: {
      queues: queues.board,
      passes: createBoardPasses({ key: boardKey, now }),
      entries: createBoardEntries({ database, auditChainId, now }),
      base
    },
    feed: createAttemptFeed({ ops: database.stores.ops, now, log }),
    doctor,
    verifier: createVerifier({ database, queues, destinations }),
    tuning: createDestinationTuning({ database, destinations, auditChainId, now }),
    probe: createProbe({
      database,
      destinations,
      policy: DELIVERY_POLICY,
      worker: `${hostname()}/${process.pid} probe`,
      auditChainId,
      now,
      log,
      random: Math.random
    })
  }
}

/** Undefined where the folder is not there, or where the system does not say. */
async function freeBytesOf(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    return undefined
  }
}
