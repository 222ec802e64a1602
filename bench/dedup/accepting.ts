// Records of one patient through the whole of accepting, on a PostgreSQL of its own.
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { uuidv7 } from 'uuidv7'
import { createBlocks } from '../../src/dedup/patient-block.js'
import { startEmbeddedPostgres } from '../../src/embedded/start-embedded-postgres.js'
import { parsePermissions, type Caller } from '../../src/fhir/caller.js'
import { parseJson } from '../../src/fhir/parse-json.js'
import { createIngest } from '../../src/ingest/ingest.js'
import type { Ingest, Submission } from '../../src/ingest/submission.js'
import type { Rules } from '../../src/rules.js'
import { createDatabase } from '../../src/storage/database.js'
import { migrate } from '../../src/storage/migrate.js'
import { createPool } from '../../src/storage/pool.js'
import { syntheticPatient } from '../../test/support/synthetic.js'
import { recordOf, type Spread } from './histories.js'

const ROUNDS = 7
/** One at a time: the median of these is one round. */
const A_ROUND = 15
const AT_ONCE = 128
const NOW = new Date('2026-11-20T12:00:00Z')

/** Case -> milliseconds from the submission to the commit, round by round. */
export async function measureAccepting<Case extends { spread: Spread; size: number }>(
  cases: readonly Case[],
  rules: Rules
): Promise<Map<Case, number[]>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'imms-bench-postgres-'))
  // PostgreSQL runs under another account when we are root, and must get through.
  chmodSync(folder, 0o755)
  const server = await startEmbeddedPostgres({ stateDir: path.join(folder, 'postgres') })
  const pool = createPool(server.connection)
  try {
    await migrate(pool)
    const database = createDatabase(pool)
    const auditChainId = uuidv7()
    await database.stores.audit.openChain(auditChainId, 'bench')
    const ingest = createIngest({
      database,
      judges: rules,
      rules,
      blockOf: createBlocks(randomBytes(32)),
      destinations: [],
      now: () => NOW,
      newId: uuidv7,
      auditChainId,
      onCommitted: () => undefined,
      onFault: (error) => {
        throw error
      }
    })
    const patients = cases.map((one, index) => createSender(ingest, one, index))
    const times = new Map<Case, number[]>()
    for (const [index, one] of cases.entries()) {
      await patients[index]!.fill()
      times.set(one, [])
      process.stdout.write(`${one.size} records ${one.spread} are stored\n`)
    }
    for (let round = 0; round < ROUNDS; round++)
      for (const [index, one] of cases.entries()) times.get(one)!.push(await patients[index]!.measure())
    await ingest.close()
    return times
  } finally {
    await pool.end()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function createSender(ingest: Ingest, { spread, size }: { spread: Spread; size: number }, index: number) {
  const patient = syntheticPatient(index + 100)
  let next = 0
  const one = (): Submission => {
    const n = next++
    const { identifier = [], ...resource } = recordOf(n, spread, patient)
    const own = identifier.map(({ system }) => ({ system: system!, value: `${index}-${n}` }))
    const payload = parseJson(Buffer.from(JSON.stringify({ ...resource, identifier: own })))
    return { kind: 'create', payload, caller: CALLER, requestId: uuidv7(), receivedAt: NOW }
  }
  const accept = async (submissions: Submission[]): Promise<void> => {
    for (const { status, issues } of await ingest.accept(submissions))
      if (status !== 201) throw new Error(`answered ${status}: ${issues.map(({ rule }) => rule).join()}`)
  }
  return {
    async fill(): Promise<void> {
      while (next < size) await accept(Array.from({ length: Math.min(AT_ONCE, size - next) }, one))
    },
    async measure(): Promise<number> {
      const taken: number[] = []
      for (let count = 0; count < A_ROUND; count++) {
        const submission = one()
        const began = performance.now()
        await accept([submission])
        taken.push(performance.now() - began)
      }
      return taken.sort((a, b) => a - b)[A_ROUND >> 1]!
    }
  }
}

const CALLER: Caller = {
  client: 'bench',
  scopes: new Set(),
  permissions: parsePermissions(['*.CRUDS']),
  changedResend: 'conflict'
}
