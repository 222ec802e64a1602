// Records that are accepted, the sandbox as the NHS API that holds others, and as many processes that look as a test wants.
import type { Immunization } from 'fhir/r4.js'
import type { Test } from 'tap'
import { uuidv7 } from 'uuidv7'
import type { Destination } from '../../src/delivery/destination.js'
import { destinationKind } from '../../src/delivery/destinations/nhs-immunisation-api.js'
import { createElsewhereLoop, type ElsewhereLoop } from '../../src/elsewhere/elsewhere-loop.js'
import type { Register } from '../../src/elsewhere/look-up.js'
import { ELSEWHERE_POLICY, type ElsewherePolicy } from '../../src/elsewhere/policy.js'
import type { Caller } from '../../src/fhir/caller.js'
import { sandboxDestinations } from '../../src/sandbox/destinations.js'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import { startSandbox } from '../../src/sandbox/server.js'
import type { ElsewhereRecord } from '../../src/storage/elsewhere-store.js'
import { createOutage } from '../../src/terminology/outage.js'
import { syntheticServices } from '../delivery/synthetic.js'
import { createTestLog, type LogLine } from './delivery-rig.js'
import { clientOf, createIngestRig, rules, type IngestRig } from './ingest-rig.js'
import { waitFor } from './wait-for.js'

export const REGISTER = 'nhs-immunisation-api'

/** A supplier whose token says existing_records: true. */
export const CURIOUS: Caller = { ...clientOf('pharmacy'), existingRecords: true }

export interface ElsewhereRig extends IngestRig {
  /** The fault that the NHS API has from now on: {"mode":"down"}. */
  set(setting: object): Promise<void>
  /** What others have sent to it. */
  hold(...records: Immunization[]): Promise<void>
  /** Searches that reached it, answered or not. */
  searches(): Promise<JournalEntry[]>
  /** `asked`: who is asked in place of the NHS API. */
  openLoop(t: Test, policy?: Partial<ElsewherePolicy>, asked?: Register): Promise<ElsewhereLoop & { lines: LogLine[] }>
  /** What is known once nothing is open. */
  settled(): Promise<ElsewhereRecord[]>
}

/** Waits of milliseconds where production has seconds. */
export const SMALL_POLICY: ElsewherePolicy = {
  ...ELSEWHERE_POLICY,
  busyMs: 10,
  idleMs: 20,
  retry: { firstMs: 20, longestMs: 100 },
  outage: { failuresToOpen: 3, firstWaitMs: 30, longestWaitMs: 100 }
}

export type Sandbox = Awaited<ReturnType<typeof startSandbox>>

/** One for all rigs of a file: its keys take a while to make. */
export async function openSandbox(t: Test): Promise<Sandbox> {
  const sandbox = await startSandbox()
  t.teardown(() => sandbox.close())
  return sandbox
}

export async function createElsewhereRig(t: Test, sandbox: Sandbox): Promise<ElsewhereRig> {
  const register = openRegister(t, sandbox)
  const rig = await createIngestRig(t, { destinations: [{ ...register, sends: 'survivors', wants: () => false }] })
  const put = async (path: string, body: object): Promise<void> => {
    const response = await fetch(`${sandbox.url}${path}`, { method: 'PUT', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`the sandbox answered ${response.status}`)
  }
  await put(`/control/${REGISTER}`, { mode: 'up' })
  await put('/records', { records: [] })
  await fetch(`${sandbox.url}/journal`, { method: 'DELETE' })
  return {
    ...rig,
    set: (setting) => put(`/control/${REGISTER}`, setting),
    hold: (...records) => put('/records', { records }),
    async searches() {
      const entries = (await (await fetch(`${sandbox.url}/journal?destination=${REGISTER}`)).json()) as JournalEntry[]
      return entries.filter(({ path }) => path.endsWith('/_search'))
    },
    openLoop: (t, policy = {}, asked = register) => openLoop(t, rig, asked, { ...SMALL_POLICY, ...policy }),
    async settled() {
      await waitFor(
        async () => (await rig.rows('select from elsewhere_lookup where wants is not null')).length === 0,
        'every look-up to be done'
      )
      const patients = await rig.rows<{ patient_key: string }>('select patient_key from patient order by patient_key')
      const known = patients.map(({ patient_key }) => rig.database.stores.elsewhere.findOfPatient(patient_key))
      return (await Promise.all(known)).flat()
    }
  }
}

function openRegister(t: Test, { url, keys }: Sandbox): Destination & Register {
  const entry = sandboxDestinations(url, keys).find(({ name }) => name === REGISTER)
  if (entry === undefined) throw new Error('the sandbox has no NHS API')
  const { options, ...named } = entry
  const register = destinationKind.create({ ...destinationKind.defaults, ...named }, options, {
    ...syntheticServices(),
    now: () => new Date()
  })
  t.teardown(() => register.close())
  if (!isRegister(register)) throw new Error('the NHS API can be asked')
  return register
}

function isRegister(destination: Destination): destination is Destination & Register {
  return destination.findRecords !== undefined
}

async function openLoop(
  t: Test,
  { database }: IngestRig,
  register: Register,
  policy: ElsewherePolicy
): Promise<ElsewhereLoop & { lines: LogLine[] }> {
  const auditChainId = uuidv7()
  await database.stores.audit.openChain(auditChainId, 'elsewhere test')
  const log = createTestLog()
  const loop = createElsewhereLoop({
    database,
    register,
    rules,
    outage: createOutage(policy.outage, () => performance.now(), Math.random),
    policy,
    now: () => new Date(),
    auditChainId,
    random: Math.random,
    log
  })
  t.teardown(() => loop.stop())
  await loop.start()
  return { ...loop, lines: log.lines }
}
