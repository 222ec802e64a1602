// POST of a Bundle to the base URL, and the status of one that is answered later.
// Source of the pattern: http://hl7.org/fhir/R4/async.html, checked 2026-11-22.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { uuidv7 } from 'uuidv7'
import { parseJson } from '../../fhir/parse-json.js'
import { RECORD_ID } from '../../history/search-demand.js'
import type { BundleJobStore } from '../../storage/bundle-job-store.js'
import { sendFhir } from '../answer.js'
import { doorFault } from '../door-fault.js'
import { refuseParameters } from '../immunization-reads.js'
import { FHIR_JSON } from '../immunization-writes.js'
import { parsePrefer } from '../prefer.js'
import { callerOf, FHIR_BASE, type Route } from '../route.js'
import type { BundleAnswer, BundleDeps, BundleSender } from './bundle-deps.js'
import { toKeptSender } from './job-sender.js'
import { readBundle, type BundleRequest } from './read-bundle.js'
import { runBatch } from './run-batch.js'
import { runTransaction } from './run-transaction.js'

export interface BundleRoutesDeps extends BundleDeps {
  jobs: BundleJobStore
  /** Tells the worker of this process that there is a job. */
  wake: () => void
}

const STATUS_PATH = `${FHIR_BASE}/$async-status`
/** Unfinished jobs of one client. */
const MAX_OPEN = 20
const RETRY_AFTER_SECONDS = '1'

export function bundleRoutes(deps: BundleRoutesDeps): Route[] {
  const common = { access: 'authenticated', surface: 'fhir' } as const
  const base = {
    ...common,
    method: 'POST',
    accepts: FHIR_JSON,
    bodyLimit: deps.maxBytes,
    systemInteraction: ['batch', 'transaction'],
    handle: (request: FastifyRequest, reply: FastifyReply) => receive(request, reply, deps)
  } as const
  return [
    { ...base, path: FHIR_BASE },
    { ...base, path: `${FHIR_BASE}/` },
    {
      ...common,
      method: 'GET',
      path: `${STATUS_PATH}/:id`,
      handle: (request, reply) => sendStatus(request, reply, deps.jobs)
    },
    {
      ...common,
      method: 'DELETE',
      path: `${STATUS_PATH}/:id`,
      async handle(request, reply) {
        if (!(await deps.jobs.remove(readJobId(request), callerOf(request).client))) throw unknownJob()
        return reply.code(202).send()
      }
    }
  ]
}

async function receive(request: FastifyRequest, reply: FastifyReply, deps: BundleRoutesDeps): Promise<FastifyReply> {
  refuseParameters(request)
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  if (body.length === 0) throw doorFault(400, 'structure', 'json-empty', 'the body is empty; send a Bundle as JSON')
  const bundle = readBundle(parseJson(body), deps.judgeByProfile)
  const prefer = parsePrefer(request.headers['prefer'])
  const sender: BundleSender = { caller: callerOf(request), requestId: request.id, receivedAt: deps.now(), prefer }
  Object.assign(request.logged, { bundle: bundle.type, entries: bundle.entries.length })
  if (prefer.respondAsync === true) return acceptLater(request, reply, bundle, sender, deps)
  const run = bundle.type === 'batch' ? runBatch : runTransaction
  return sendAnswer(request, reply, await run(bundle, sender, deps))
}

async function acceptLater(
  request: FastifyRequest,
  reply: FastifyReply,
  bundle: BundleRequest,
  sender: BundleSender,
  { jobs, wake, base }: BundleRoutesDeps
): Promise<FastifyReply> {
  const jobId = uuidv7()
  const { client } = sender.caller
  const { requestId, receivedAt: createdAt } = sender
  const job = { jobId, client, requestId, createdAt, body: bundle.text, entries: bundle.entries.length }
  if (!(await jobs.create({ ...job, sender: toKeptSender(sender) }, MAX_OPEN))) {
    const text = `this client has ${MAX_OPEN} Bundles that are not done; wait for one, or delete it`
    throw doorFault(429, 'throttled', 'too-many-jobs', text, { 'Retry-After': '10' })
  }
  wake()
  request.logged['job_id'] = jobId
  const url = base().slice(0, -FHIR_BASE.length) + STATUS_PATH
  reply.headers({ 'content-location': `${url}/${jobId}`, 'preference-applied': 'respond-async' })
  return reply.code(202).send()
}

async function sendStatus(request: FastifyRequest, reply: FastifyReply, jobs: BundleJobStore): Promise<FastifyReply> {
  const jobId = readJobId(request)
  request.logged['job_id'] = jobId
  const status = await jobs.find(jobId, callerOf(request).client)
  if (status === undefined) throw unknownJob()
  const { result, answered, entries } = status
  if (result === undefined) {
    const progress = `${answered} of ${entries} entries`
    return reply.code(202).headers({ 'x-progress': progress, 'retry-after': RETRY_AFTER_SECONDS }).send()
  }
  reply.header('expires', result.expiresAt.toUTCString())
  return sendAnswer(request, reply, result)
}

function sendAnswer(request: FastifyRequest, reply: FastifyReply, { status, text }: BundleAnswer): FastifyReply {
  return sendFhir(request, reply.code(status), text)
}

function readJobId(request: FastifyRequest): string {
  const { id } = request.params as { id: string }
  if (RECORD_ID.test(id)) return id
  throw unknownJob()
}

function unknownJob(): Error {
  const text = 'there is no such Bundle of this client, or its answer has expired (24 hours) or was deleted'
  return doorFault(404, 'not-found', 'unknown-job', text)
}
