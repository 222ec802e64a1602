// The operations API of production on a database of its own, and a command line that talks to it in this process.
import { randomBytes } from 'node:crypto'
import { PassThrough, Writable } from 'node:stream'
import type { Test } from 'tap'
import { uuidv7 } from 'uuidv7'
import { createCli } from '../../src/cli/create-cli.js'
import type { CliDeps } from '../../src/cli/cli-deps.js'
import type { Destination } from '../../src/delivery/destination.js'
import { createAttemptFeed } from '../../src/delivery/attempt-feed.js'
import { createBoardEntries } from '../../src/delivery/board-entries.js'
import { createDoctor } from '../../src/delivery/doctor.js'
import { createInboxDesk } from '../../src/delivery/inbox/inbox-desk.js'
import { createProbe } from '../../src/delivery/probe-destination.js'
import { createDestinationTuning } from '../../src/delivery/tune-destination.js'
import { createVerifier } from '../../src/delivery/verify.js'
import { createDestinationSwitch } from '../../src/delivery/pause-destination.js'
import { DELIVERY_POLICY } from '../../src/delivery/policy.js'
import { createReplays } from '../../src/delivery/replay.js'
import { createReplayRunner, type ReplayRunner } from '../../src/delivery/replay-runner.js'
import { createDuplicateReviews } from '../../src/review/duplicate-reviews.js'
import { createPatientMerges } from '../../src/review/patient-merges.js'
import { loadRules } from '../../src/rules.js'
import { createWeightsDesk } from '../../src/weights-desk.js'
import type { ProgrammeDesk } from '../../src/http/ops-programmes.js'
import { createProgrammeFiles } from '../../src/programme-files.js'
import { createBoardPasses } from '../../src/http/board-pass.js'
import { opsRoutes } from '../../src/http/ops-routes.js'
import { createDatabase, type Database } from '../../src/storage/database.js'
import { countMigrations } from '../../src/storage/migrate.js'
import type { Pool } from '../../src/storage/pool.js'
import { createQueueBoard } from '../../src/queue/queue-board.js'
import type { Queues } from '../../src/queue/queues.js'
import { createTestLog, DELIVERED, scriptDestination } from '../support/delivery-rig.js'
import { notAsked, NOW, openDoor, type OpenDoor } from '../http/open-door.js'
import { createTestDatabase } from '../support/test-database.js'

const CHAIN = '019ad6f0-0000-7000-8f01-000000000001'

/** Named as those of woundHub; as many limits as a destinations file gives. */
const QUIET = [
  scriptDestination({ name: 'nhs-immunisation-api', concurrency: 8, ratePerSecond: 20 }, () => DELIVERED),
  scriptDestination({ name: 'gp-record' }, () => DELIVERED),
  scriptDestination({ name: 'eligibility-store' }, () => DELIVERED)
]

type OpsQueues = Pick<Queues, 'engine' | 'isReady' | 'readVitals' | 'readEpoch' | 'findNhsNumbers'>

export interface OpenOps extends OpenDoor {
  pool: Pool
  database: Database
  /** What the relay does for replays. */
  runner: ReplayRunner
}

/**
 * More than two deliveries in a replay need a second person here. `adapters`: to probe and to compare with, instead of
 * those that are never asked.
 */
export async function openOps(t: Test, adapters: readonly Destination[] = QUIET): Promise<OpenOps> {
  const { pool } = await createTestDatabase(t)
  const database = createDatabase(pool)
  await database.stores.audit.openChain(CHAIN, 'test')
  const deps = { database, auditChainId: CHAIN, now: () => NOW }
  const destinations = adapters.map((adapter) => ({ ...adapter, sends: 'all' as const }))
  const policy = { ...DELIVERY_POLICY, replay: { ...DELIVERY_POLICY.replay, approveAbove: 2 } }
  const replays = createReplays({ ...deps, destinations, policy })
  const log = createTestLog()
  const runner = createReplayRunner({ ...deps, destinations, policy, log })
  const queues: OpsQueues = {
    engine: 'postgres',
    isReady: () => true,
    readVitals: () => Promise.resolve({ isUp: true }),
    readEpoch: () => Promise.resolve(undefined),
    findNhsNumbers: () => Promise.resolve([])
  }
  const switches = createDestinationSwitch(deps)
  const inboxes = createInboxDesk(deps)
  const rules = await loadRules()
  const review = { ...deps, rules, destinations: [], newId: uuidv7, onCommitted: () => undefined }
  const migrations = await countMigrations()
  const door = await openDoor(t, {
    opsRoutes: (app) => {
      opsRoutes(app, {
        ops: database.stores.ops,
        replays,
        switches,
        inboxes,
        patients: createPatientMerges(review),
        duplicates: createDuplicateReviews(review),
        weights: createWeightsDesk({ rules }, deps),
        programmes: notAsked<ProgrammeDesk>('programmes'),
        feed: createAttemptFeed({
          ops: database.stores.ops,
          now: () => NOW,
          log,
          policy: { lookEveryMs: 10, quietMs: 50, watchers: 3, behind: 1_000 }
        }),
        board: {
          queues: createQueueBoard([]),
          passes: createBoardPasses({ key: randomBytes(32), now: () => NOW }),
          entries: createBoardEntries(deps),
          base: () => 'https://hub.test/FHIR/R4'
        },
        verifier: createVerifier({ database, queues, destinations }),
        doctor: createDoctor({
          database,
          queues,
          destinations,
          migrations,
          isEmbedded: false,
          readFreeBytes: () => Promise.resolve(undefined),
          readProgrammes: () => ({ count: 18, version: 'test' }),
          now: () => NOW
        }),
        tuning: createDestinationTuning({ ...deps, destinations }),
        probe: createProbe({
          ...deps,
          destinations,
          policy: DELIVERY_POLICY,
          worker: 'desk',
          log,
          random: () => 0
        }),
        now: () => NOW
      })
    }
  })
  return { ...door, pool, database, runner }
}

export interface Ran {
  code: number
  stdout: string
  stderr: string
}

export interface RunOptions {
  /** Makes standard output a terminal of this width. */
  columns?: number
  colour?: boolean
  /** What is typed; makes standard input a terminal. */
  typed?: string
  /** Piped into standard input. */
  piped?: string
  /** Runs whenever the command waits. */
  onWait?: () => Promise<void>
  /** The same for one that goes on until Ctrl-C: false is Ctrl-C, which comes at once unless this says otherwise. */
  onWatch?: (stdout: () => string) => Promise<boolean>
}

export type RunCli = (argv: string[], options?: RunOptions) => Promise<Ran>

export function createRunner(settings: { url: string; token?: string }, deps: Partial<CliDeps> = {}): RunCli {
  return async (argv, options = {}) => {
    const stdout = collector(options.columns)
    const stderr = collector(options.columns)
    const stdin = Object.assign(new PassThrough(), { isTTY: options.typed !== undefined })
    stdin.end(options.typed ?? options.piped ?? '')
    const cli = createCli({
      settings: { ...settings, colour: options.colour === true },
      validate: () => [],
      readProfiles: () => Promise.reject(new Error('not asked for')),
      programmes: createProgrammeFiles({}, loadRules),
      issueToken: () => Promise.reject(new Error('there is no issuer here')),
      stdout: stdout.stream,
      stderr: stderr.stream,
      stdin,
      now: () => NOW,
      wait: () => options.onWait?.() ?? Promise.resolve(),
      watch: () => options.onWatch?.(stdout.text) ?? Promise.resolve(false),
      ...deps
    })
    const code = await cli.run(argv)
    return { code, stdout: stdout.text(), stderr: stderr.text() }
  }
}

function collector(columns: number | undefined) {
  let text = ''
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString()
      done()
    }
  })
  return {
    stream: Object.assign(stream, columns === undefined ? { isTTY: false } : { isTTY: true, columns }),
    text: () => text
  }
}
