// Records that are accepted, the sandbox as the terminology server, and as many checkers as a test wants.
import type { Test } from 'tap'
import { uuidv7 } from 'uuidv7'
import { explainRecord } from '../../src/delivery/explain.js'
import type { Remark } from '../../src/delivery/explain-remarks.js'
import type { Issue } from '../../src/fhir/issue.js'
import { startSandbox } from '../../src/sandbox/server.js'
import { createAnswerBook } from '../../src/terminology/answer-book.js'
import { createOutage } from '../../src/terminology/outage.js'
import { TERMINOLOGY_POLICY, type TerminologyPolicy } from '../../src/terminology/policy.js'
import type { LookLoop } from '../../src/delivery/look-loop.js'
import { createTerminologyChecker } from '../../src/terminology/terminology-checker.js'
import { createTerminologyClient } from '../../src/terminology/terminology-client.js'
import { createTestLog, type LogLine } from './delivery-rig.js'
import { createIngestRig, rules, type IngestRig } from './ingest-rig.js'
import { waitFor } from './wait-for.js'

export interface TerminologyRig extends IngestRig {
  /** Base URL of the terminology server. */
  url: string
  /** What it got: method, path, headers and body of each request. */
  asked(): Promise<string[]>
  /** The fault it has from now on: {"mode":"down"}. */
  set(setting: object): Promise<void>
  know(codes: { outside?: string[]; inactive?: string[] }): Promise<void>
  /** A process that looks records up, started; stopped when `t` is over. */
  openChecker(t: Test, settings?: CheckerSettings): Promise<LookLoop & { lines: LogLine[] }>
  /** Issues of a version once nothing of it is open. */
  waitForIssues(recordId: string, version?: number): Promise<Issue[]>
  issuesOf(recordId: string): Promise<Issue[]>
  remarksOf(recordId: string): Promise<Remark[]>
}

export interface CheckerSettings {
  url?: string
  token?: string
  timeoutMs?: number
  policy?: Partial<TerminologyPolicy>
}

/** Waits of milliseconds where production has seconds. */
export const SMALL_POLICY: TerminologyPolicy = {
  ...TERMINOLOGY_POLICY,
  busyMs: 10,
  idleMs: 20,
  retry: { firstMs: 20, longestMs: 100 },
  outage: { failuresToOpen: 3, firstWaitMs: 30, longestWaitMs: 100 }
}

export async function createTerminologyRig(t: Test): Promise<TerminologyRig> {
  const sandbox = await startSandbox()
  t.teardown(() => sandbox.close())
  const rig = await createIngestRig(t, { asksTerminology: true, destinations: [] })
  const { stores } = rig.database
  const put = async (path: string, body: object): Promise<void> => {
    const response = await fetch(`${sandbox.url}${path}`, { method: 'PUT', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`the sandbox answered ${response.status}`)
  }
  const url = `${sandbox.url}/terminology/fhir`
  return {
    ...rig,
    url,
    asked: async () => (await (await fetch(`${sandbox.url}/holdings/terminology`)).json()) as string[],
    set: (setting) => put('/control/terminology', setting),
    know: (codes) => put('/codes', codes),
    openChecker: (t, settings = {}) => openChecker(t, rig, { url, ...settings }),
    async waitForIssues(recordId, version = 1) {
      await waitFor(
        async () => (await rig.rows(DONE, [recordId, version])).length === 1,
        'the codes of a record to be looked up'
      )
      return stores.terminologyChecks.findIssues({ recordId, version })
    },
    issuesOf: (recordId) => stores.terminologyChecks.findIssues({ recordId, version: 1 }),
    async remarksOf(recordId) {
      const story = await stores.ops.findRecordStory(recordId)
      if (story === undefined) throw new Error('there is no such record')
      return explainRecord(story, new Date()).versions[0]?.remarks ?? []
    }
  }
}

const DONE = 'select from terminology_check where record_id = $1 and version = $2 and checked_at is not null'

async function openChecker(
  t: Test,
  { database }: IngestRig,
  { url, token, timeoutMs = 2_000, policy = {} }: CheckerSettings & { url: string }
): Promise<LookLoop & { lines: LogLine[] }> {
  const { stores } = database
  const auditChainId = uuidv7()
  await stores.audit.openChain(auditChainId, 'terminology test')
  const clock = (): number => performance.now()
  const log = createTestLog()
  const small = { ...SMALL_POLICY, ...policy }
  const checker = createTerminologyChecker({
    database,
    validator: rules.validator,
    answers: stores.terminologyAnswers,
    book: createAnswerBook(stores.terminologyAnswers, clock),
    ask: createTerminologyClient({
      url,
      timeoutMs,
      answerBytes: 10_000,
      findValueSet: (name) => rules.validator.findValueSet(name),
      ...(token === undefined ? {} : { token })
    }),
    outage: createOutage(small.outage, clock, Math.random),
    policy: small,
    timeoutMs,
    now: () => new Date(),
    auditChainId,
    random: Math.random,
    log
  })
  t.teardown(() => checker.stop())
  checker.start()
  return { ...checker, lines: log.lines }
}
