// Looks at what the service stands on: PostgreSQL, the queue, clocks, the other processes, credentials, programmes.
// One line each: well, or what is wrong and what to do.
import type { Queues } from '../queue/queues.js'
import type { Database } from '../storage/database.js'
import type { Destination } from './destination.js'
import {
  checkClocks,
  checkCredentials,
  checkDatabase,
  checkDisk,
  checkProcesses,
  checkProgrammes,
  type Finding
} from './judge-vitals.js'
import { checkEngine, type EngineReport } from './judge-engine.js'

export interface Diagnosis {
  verdict: 'ok' | 'trouble'
  sentence: string
  at: Date
  findings: Finding[]
}

export interface DoctorDeps {
  database: Database
  queues: Pick<Queues, 'engine' | 'isReady' | 'readVitals' | 'readEpoch'>
  destinations: readonly Pick<Destination, 'name' | 'credentials'>[]
  /** Files of this release. */
  migrations: number
  /** PostgreSQL is the embedded one. */
  isEmbedded: boolean
  /** Of the disk with the data, where that is this machine's. */
  readFreeBytes(): Promise<number | undefined>
  /** What the programmes in force are, and why the folder as it is now is not. */
  readProgrammes(): { count: number; version: string; fault?: string }
  now: () => Date
}

export function createDoctor(deps: DoctorDeps): { examine(): Promise<Diagnosis> } {
  return {
    async examine() {
      const { ops, processes } = deps.database.stores
      const [vitals, running, engine, freeBytes] = await Promise.all([
        ops.readVitals(),
        processes.list(),
        readEngine(deps),
        deps.readFreeBytes()
      ])
      const at = deps.now()
      const findings = [
        ...checkDatabase(vitals, deps),
        ...checkDisk(freeBytes),
        ...checkEngine(engine),
        ...checkClocks(running),
        ...checkProcesses(running),
        ...checkCredentials(deps.destinations, at),
        ...checkProgrammes(deps.readProgrammes())
      ]
      const troubles = findings.filter(({ state }) => state === 'trouble')
      return {
        verdict: troubles.length === 0 ? 'ok' : 'trouble',
        sentence:
          troubles.length === 0
            ? 'The service stands on sound ground.'
            : `${troubles.length === 1 ? 'One thing is' : `${troubles.length} things are`} wrong: ${troubles.map(({ what }) => what).join(', ')}.`,
        at,
        findings
      }
    }
  }
}

async function readEngine({ queues, database }: DoctorDeps): Promise<EngineReport> {
  const known = await database.stores.queueEpochs.find()
  try {
    const [vitals, epoch] = await Promise.all([queues.readVitals(), queues.readEpoch()])
    return { engine: queues.engine, vitals, epoch, known }
  } catch {
    return { engine: queues.engine, vitals: { isUp: false }, epoch: undefined, known }
  }
}
