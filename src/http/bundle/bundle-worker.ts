// The loop that runs Bundles which were acknowledged with 202. Any number of processes may run it. Nothing is done twice:
// the answer of a transaction, and of each entry of a batch, is written in the very transaction that does it.
import { createBell } from '../../delivery/bell.js'
import { FhirError, toOperationOutcome } from '../../fhir/operation-outcome.js'
import { parseJson } from '../../fhir/parse-json.js'
import { internalFault } from '../../ingest/answer.js'
import type { BundleJobStore, ClaimedBundleJob } from '../../storage/bundle-job-store.js'
import type { Stores } from '../../storage/database.js'
import type { HttpLog } from '../http-log.js'
import type { BundleAnswer, BundleDeps, BundleSender } from './bundle-deps.js'
import { readKeptSender } from './job-sender.js'
import { readBundle, type BundleRequest } from './read-bundle.js'
import { joinBatch, planBatch, settleAlone } from './run-batch.js'
import { runTransaction } from './run-transaction.js'

export interface BundleWorker {
  start(): void
  /** There is a new job: look now. */
  wake(): void
  /** Ends what it is doing, gives a batch back after the entry under way. */
  stop(): Promise<void>
}

export interface BundleWorkerDeps extends BundleDeps {
  jobs: BundleJobStore
  log: HttpLog
}

const IDLE_MS = 2_000
const FAULT_PAUSE_MS = 5_000
const RENEW_MS = 5_000
const SWEEP_MS = 600_000
/** A Bundle that ends the process each time it is run is not run for ever. */
const MAX_TRIES = 5

export function createBundleWorker(deps: BundleWorkerDeps): BundleWorker {
  const bell = createBell()
  let isStopped = false
  let loop: Promise<void> | undefined
  let sweepAt = 0

  async function turn(): Promise<number> {
    if (performance.now() >= sweepAt) {
      await deps.jobs.removeExpired()
      sweepAt = performance.now() + SWEEP_MS
    }
    const job = await deps.jobs.claim()
    if (job === undefined) return IDLE_MS
    await runJob(job, deps, () => isStopped)
    return 0
  }
  async function run(): Promise<void> {
    while (!isStopped) {
      const restMs = await turn().catch((error: unknown) => {
        deps.log.error({ err: error }, 'bundle.worker_failed')
        return FAULT_PAUSE_MS
      })
      if (restMs > 0 && !hasStopped()) await bell.wait(restMs)
    }
  }
  const hasStopped = (): boolean => isStopped
  return {
    start() {
      loop ??= run()
    },
    wake() {
      bell.ring()
    },
    async stop() {
      isStopped = true
      bell.ring()
      await loop
    }
  }
}

/** The job is in other hands, or its client has cancelled it. */
class Lost extends Error {
  constructor() {
    super('the job is no longer held')
    this.name = 'Lost'
  }
}

async function runJob(job: ClaimedBundleJob, deps: BundleWorkerDeps, isStopped: () => boolean): Promise<void> {
  const { jobs, log } = deps
  const heartbeat = setInterval(() => void jobs.renew(job).catch(() => undefined), RENEW_MS)
  const startedAt = performance.now()
  try {
    const end = await work(job, deps, isStopped)
    const fields = { job_id: job.jobId, client: job.client, request_id: job.requestId, tries: job.tries }
    log.info({ ...fields, ...end, duration_ms: Math.round(performance.now() - startedAt) }, 'bundle.job_ended')
  } catch (error) {
    if (error instanceof Lost) return
    log.error({ err: error, job_id: job.jobId, request_id: job.requestId, tries: job.tries }, 'bundle.job_failed')
    await jobs.putOff(job).catch(() => undefined)
  } finally {
    clearInterval(heartbeat)
  }
}

async function work(
  job: ClaimedBundleJob,
  deps: BundleWorkerDeps,
  isStopped: () => boolean
): Promise<{ status?: number }> {
  const finishNow = async ({ status, text }: BundleAnswer): Promise<{ status: number }> => {
    if (!(await deps.jobs.finish(job, status, text))) throw new Lost()
    return { status }
  }
  if (job.tries > MAX_TRIES) return finishNow({ status: 500, text: outcomeOf([internalFault(job.requestId)]) })
  try {
    const sender = readKeptSender(job)
    const bundle = readBundle(parseJson(Buffer.from(job.body)), deps.judgeByProfile)
    if (bundle.type === 'batch') {
      const answer = await runSavedBatch(job, bundle, sender, deps, isStopped)
      if (answer !== undefined) return await finishNow(answer)
      await deps.jobs.giveBack(job)
      return {}
    }
    const finish = async (stores: Stores, { status, text }: BundleAnswer): Promise<void> => {
      if (!(await stores.bundleJobs.finish(job, status, text))) throw new Lost()
    }
    const { status } = await runTransaction(bundle, sender, deps, finish)
    return { status }
  } catch (error) {
    if (!(error instanceof FhirError) || isPassing(error)) throw error
    return finishNow({ status: error.status, text: outcomeOf(error.issues) })
  }
}

/** Undefined when the service stops before its end. */
async function runSavedBatch(
  job: ClaimedBundleJob,
  bundle: BundleRequest,
  sender: BundleSender,
  deps: BundleWorkerDeps,
  isStopped: () => boolean
): Promise<BundleAnswer | undefined> {
  const texts = await deps.jobs.findEntries(job.jobId)
  const entries = planBatch(bundle, sender, deps).filter(({ index }) => !texts.has(index))
  for (const entry of entries.sort((a, b) => a.order - b.order)) {
    if (isStopped()) return undefined
    const text = await entry.answer(async (index, submission, answer) => {
      const verdict = await settleAlone(submission, deps.together, (settled) => async (stores) => {
        if (!(await stores.bundleJobs.saveEntry(job, index, answer(settled)))) throw new Lost()
      })
      return answer(verdict)
    })
    texts.set(entry.index, text)
  }
  return { status: 200, text: joinBatch(bundle, texts) }
}

/** What is no fault of the Bundle: it is tried again. */
function isPassing({ status, issues }: FhirError): boolean {
  return status >= 500 || issues.some(({ rule }) => rule === 'transaction-outrun')
}

function outcomeOf(issues: Parameters<typeof toOperationOutcome>[0]): string {
  return JSON.stringify(toOperationOutcome(issues))
}
