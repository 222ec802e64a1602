// Which receiver a request is for, what fault it meets there, and what the journal says of it; and the sandbox's own doors.
import { createControl } from './control.js'
import { createEligibilityReceiver } from './eligibility-receiver.js'
import { createFhirReceiver } from './fhir-receiver.js'
import { createJournal, type JournalQuery } from './journal.js'
import type { SandboxKeys } from './keys.js'
import { createMeshReceiver } from './mesh-receiver.js'
import { createMnsReceiver } from './mns-receiver.js'
import { createNhsReceiver } from './nhs-receiver.js'
import { createNhsTokens } from './nhs-tokens.js'
import { parsePracticeSetting } from './practice-answers.js'
import {
  jsonAnswer,
  SANDBOX_RECEIVERS,
  type Receiver,
  type SandboxAnswer,
  type SandboxReceiver,
  type SandboxReply,
  type SandboxRequest
} from './receiver.js'
import { createTerminologyReceiver, TERMINOLOGY_PATH, type KnownCodes } from './terminology-receiver.js'
import { createWebhookReceiver } from './webhook-receiver.js'
import { answerUnderFault, pause } from './under-fault.js'

export interface SandboxSeed {
  /** NHS numbers of synthetic people whom the eligibility store knows from the start. */
  persons?: readonly string[]
}

export type Handle = (request: SandboxRequest, closed: AbortSignal) => Promise<SandboxReply>

export function createHandler(
  keys: SandboxKeys,
  seed: SandboxSeed | undefined,
  url: () => string,
  now: () => Date
): Handle {
  const control = createControl()
  const journal = createJournal()
  const tokens = createNhsTokens(keys.nhs, () => `${url()}/oauth2/token`, now)
  const fhirTokens = createNhsTokens(keys.nhs, () => url() + FHIR_TOKEN_PATH, now, 'RS384')
  const eligibility = createEligibilityReceiver(keys.eligibility)
  eligibility.addPersons(seed?.persons ?? [])
  const terminology = createTerminologyReceiver()
  const mesh = createMeshReceiver(keys.mesh, now)
  const receivers: Record<SandboxReceiver, Receiver> = {
    'nhs-immunisation-api': createNhsReceiver(tokens, () => `${url()}/immunisation-fhir-api/FHIR/R4`, now),
    'gp-record': mesh,
    'eligibility-store': eligibility,
    'mns-event': createMnsReceiver(tokens),
    'fhir-rest': createFhirReceiver(fhirTokens, () => `${url()}/fhir/r4`, now),
    webhook: createWebhookReceiver(keys.webhook, now),
    terminology
  }

  async function deliver(
    destination: SandboxReceiver,
    request: SandboxRequest,
    closed: AbortSignal
  ): Promise<SandboxReply> {
    const receiver = receivers[destination]
    const isHousekeeping = receiver.isHousekeeping?.(request) === true
    const fault = isHousekeeping ? control.look(destination) : control.take(destination, receiver.isWrite(request))
    const { answers, reply } = await answerUnderFault(fault, receiver, request, { closed, now: now() })
    for (const [index, answer] of isHousekeeping ? [] : answers.entries()) {
      journal.add({
        destination,
        requestId: requestIdOf(request),
        method: request.method,
        path: receiver.journalPath(request),
        status: index === answers.length - 1 ? reply.status : answer.status,
        ...(fault.mode === 'up' ? {} : { fault: fault.mode }),
        ...answer.effect,
        applied: answer.effect?.applied ?? false,
        at: now().toISOString()
      })
    }
    if (fault.mode === 'slow' && fault.when !== 'before') await pause(fault.delayMs, closed)
    return reply
  }

  function operate(request: SandboxRequest): SandboxAnswer {
    const [, room, name] = request.path.split('/')
    const destination = SANDBOX_RECEIVERS.find((known) => known === name)
    switch (`${request.method} ${room ?? ''}`) {
      case 'GET control':
        return jsonAnswer(200, control.settings())
      case 'PUT control':
        return destination === undefined
          ? unknownDestination
          : jsonAnswer(200, control.set(destination, JSON.parse(request.body)))
      case 'GET journal':
        return jsonAnswer(200, journal.entries(readJournalQuery(request.query)))
      case 'DELETE journal':
        journal.clear()
        return { status: 204 }
      case 'GET holdings':
        return destination === undefined ? unknownDestination : jsonAnswer(200, receivers[destination].holdings())
      case 'PUT persons':
        eligibility.addPersons(parsePersons(request.body))
        return { status: 204 }
      case 'PUT practice':
        mesh.setPractice(parsePracticeSetting(JSON.parse(request.body)))
        return { status: 204 }
      case 'PUT codes':
        terminology.know(parseCodes(request.body))
        return { status: 204 }
      case 'DELETE tokens':
        tokens.revokeAll()
        fhirTokens.revokeAll()
        return { status: 204 }
      default:
        return jsonAnswer(404, {
          error: 'the sandbox knows /control, /journal, /holdings, /persons, /practice, /codes and /tokens'
        })
    }
  }

  return async (request, closed) => {
    const destination = destinationOf(request)
    if (destination !== undefined) return deliver(destination, request, closed)
    if (request.path === '/oauth2/token') return tokens.answer(request)
    if (request.path === FHIR_TOKEN_PATH) return fhirTokens.answer(request)
    try {
      return operate(request)
    } catch (error) {
      return jsonAnswer(400, { error: error instanceof Error ? error.message : 'cannot be read' })
    }
  }
}

const unknownDestination = jsonAnswer(404, { error: `receivers: ${SANDBOX_RECEIVERS.join(', ')}` })

const FHIR_TOKEN_PATH = '/fhir/oauth2/token'
const PATHS: Partial<Record<SandboxReceiver, RegExp>> = {
  'nhs-immunisation-api': /^\/immunisation-fhir-api\//,
  'gp-record': /^\/messageexchange\//,
  'mns-event': /^\/multicast-notification-service\//,
  'fhir-rest': /^\/fhir\/r4\//,
  webhook: /^\/webhook$/,
  terminology: TERMINOLOGY_PATH
}

/** Each receiver's own name for the one id that all attempts of a delivery have. */
function requestIdOf({ headers }: SandboxRequest): string {
  return String(headers['x-request-id'] ?? headers['mex-localid'] ?? headers['webhook-id'] ?? '')
}

function readJournalQuery(query: URLSearchParams): JournalQuery {
  const destination = query.get('destination')
  const after = query.get('after')
  if (after !== null && !/^\d{1,12}$/.test(after)) throw new Error('after must be the order of an entry')
  return { ...(destination === null ? {} : { destination }), ...(after === null ? {} : { after: Number(after) }) }
}

function destinationOf(request: SandboxRequest): SandboxReceiver | undefined {
  if (request.headers['x-amz-target'] !== undefined) return 'eligibility-store'
  return SANDBOX_RECEIVERS.find((receiver) => PATHS[receiver]?.test(request.path) === true)
}

function parseCodes(body: string): KnownCodes {
  const { outside = [], inactive = [] } = JSON.parse(body) as { outside?: unknown; inactive?: unknown }
  const isList = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every((entry) => typeof entry === 'string')
  if (!isList(outside) || !isList(inactive)) throw new Error('expected {"outside": ["..."], "inactive": ["..."]}')
  return { outside, inactive }
}

function parsePersons(body: string): string[] {
  const { nhsNumbers } = JSON.parse(body) as { nhsNumbers?: unknown }
  const isList = Array.isArray(nhsNumbers) && nhsNumbers.every((entry) => typeof entry === 'string')
  if (!isList) throw new Error('expected {"nhsNumbers": ["..."]}')
  return nhsNumbers
}
