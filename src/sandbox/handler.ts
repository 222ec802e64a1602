// Which receiver a request is for, what fault it meets there, and what the journal says of it; and the sandbox's own doors.
import { setTimeout as delay } from 'node:timers/promises'
import type { Immunization } from 'fhir/r4.js'
import { createControl, type ControlSetting } from './control.js'
import { createEligibilityReceiver } from './eligibility-receiver.js'
import { createJournal } from './journal.js'
import type { SandboxKeys } from './keys.js'
import { createMeshReceiver } from './mesh-receiver.js'
import { createNhsReceiver } from './nhs-receiver.js'
import { createNhsTokens } from './nhs-tokens.js'
import {
  jsonAnswer,
  SANDBOX_RECEIVERS,
  type Receiver,
  type SandboxAnswer,
  type SandboxReceiver,
  type SandboxRequest
} from './receiver.js'
import { createTerminologyReceiver, TERMINOLOGY_PATH, type KnownCodes } from './terminology-receiver.js'

export interface SandboxSeed {
  /** NHS numbers of synthetic people whom the eligibility store knows from the start. */
  persons?: readonly string[]
}

/** An answer, or 'reset' where the connection is to be broken instead. */
export type Handle = (request: SandboxRequest, closed: AbortSignal) => Promise<SandboxAnswer | 'reset'>

export function createHandler(
  keys: SandboxKeys,
  seed: SandboxSeed | undefined,
  url: () => string,
  now: () => Date
): Handle {
  const control = createControl()
  const journal = createJournal()
  const tokens = createNhsTokens(keys.nhs, () => `${url()}/oauth2/token`, now)
  const eligibility = createEligibilityReceiver(keys.eligibility)
  eligibility.addPersons(seed?.persons ?? [])
  const terminology = createTerminologyReceiver()
  const nhs = createNhsReceiver(tokens, () => `${url()}/immunisation-fhir-api/FHIR/R4`, now)
  const receivers: Record<SandboxReceiver, Receiver> = {
    'nhs-immunisation-api': nhs,
    'gp-record': createMeshReceiver(keys.mesh, now),
    'eligibility-store': eligibility,
    terminology
  }

  async function deliver(
    destination: SandboxReceiver,
    request: SandboxRequest,
    closed: AbortSignal
  ): Promise<SandboxAnswer | 'reset'> {
    const receiver = receivers[destination]
    const setting = control.take(destination, receiver.isWrite(request))
    const answer = await answerUnder(setting, receiver, request, closed)
    journal.add({
      destination,
      requestId: String(request.headers['x-request-id'] ?? request.headers['mex-localid'] ?? ''),
      method: request.method,
      path: receiver.journalPath(request),
      status: setting.mode === 'reset' ? 0 : answer.status,
      ...answer.effect,
      applied: answer.effect?.applied ?? false,
      at: now().toISOString()
    })
    if (setting.mode === 'slow' && setting.when === 'after') await pause(setting.delayMs, closed)
    return setting.mode === 'reset' ? 'reset' : answer
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
        return jsonAnswer(200, journal.entries(request.query.get('destination') ?? undefined))
      case 'DELETE journal':
        journal.clear()
        return { status: 204 }
      case 'GET holdings':
        return destination === undefined ? unknownDestination : jsonAnswer(200, receivers[destination].holdings())
      case 'PUT persons':
        eligibility.addPersons(parsePersons(request.body))
        return { status: 204 }
      case 'PUT records':
        nhs.holdOthers(parseRecords(request.body))
        return { status: 204 }
      case 'PUT codes':
        terminology.know(parseCodes(request.body))
        return { status: 204 }
      case 'DELETE tokens':
        tokens.revokeAll()
        return { status: 204 }
      default:
        return jsonAnswer(404, {
          error: 'the sandbox knows /control, /journal, /holdings, /persons, /records, /codes and /tokens'
        })
    }
  }

  return async (request, closed) => {
    const destination = destinationOf(request)
    if (destination !== undefined) return deliver(destination, request, closed)
    if (request.path === '/oauth2/token') return tokens.answer(request)
    try {
      return operate(request)
    } catch (error) {
      return jsonAnswer(400, { error: error instanceof Error ? error.message : 'cannot be read' })
    }
  }
}

const unknownDestination = jsonAnswer(404, { error: `receivers: ${SANDBOX_RECEIVERS.join(', ')}` })

function destinationOf(request: SandboxRequest): SandboxReceiver | undefined {
  if (request.headers['x-amz-target'] !== undefined) return 'eligibility-store'
  if (request.path.startsWith('/immunisation-fhir-api/')) return 'nhs-immunisation-api'
  if (request.path.startsWith(TERMINOLOGY_PATH)) return 'terminology'
  return request.path.startsWith('/messageexchange/') ? 'gp-record' : undefined
}

async function answerUnder(
  setting: ControlSetting,
  receiver: Receiver,
  request: SandboxRequest,
  closed: AbortSignal
): Promise<SandboxAnswer> {
  switch (setting.mode) {
    case 'up':
      return receiver.answer(request)
    case 'slow':
      if (setting.when === 'before') await pause(setting.delayMs, closed)
      return receiver.answer(request)
    case 'reset':
      return setting.when === 'after' ? receiver.answer(request) : { status: 0 }
    case 'limited': {
      const answer = receiver.fail('limited')
      return { ...answer, headers: { ...answer.headers, 'Retry-After': String(setting.retryAfterSeconds) } }
    }
    case 'garbled':
      return { status: 200, headers: { 'Content-Type': 'application/json' }, body: '{"resourceType":"Param' }
    case 'down':
    case 'refuse':
    case 'credentials':
      return receiver.fail(setting.mode)
  }
}

/** Waits, or until the caller has gone. */
async function pause(delayMs: number, closed: AbortSignal): Promise<void> {
  await delay(delayMs, undefined, { signal: closed }).catch(() => undefined)
}

function parseCodes(body: string): KnownCodes {
  const { outside = [], inactive = [] } = JSON.parse(body) as { outside?: unknown; inactive?: unknown }
  const isList = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every((entry) => typeof entry === 'string')
  if (!isList(outside) || !isList(inactive)) throw new Error('expected {"outside": ["..."], "inactive": ["..."]}')
  return { outside, inactive }
}

function parseRecords(body: string): Immunization[] {
  const { records } = JSON.parse(body) as { records?: unknown }
  const isOne = (value: unknown): value is Immunization =>
    typeof value === 'object' && value !== null && 'resourceType' in value && value.resourceType === 'Immunization'
  if (!Array.isArray(records) || !records.every(isOne)) throw new Error('expected {"records": [Immunizations]}')
  return records
}

function parsePersons(body: string): string[] {
  const { nhsNumbers } = JSON.parse(body) as { nhsNumbers?: unknown }
  const isList = Array.isArray(nhsNumbers) && nhsNumbers.every((entry) => typeof entry === 'string')
  if (!isList) throw new Error('expected {"nhsNumbers": ["..."]}')
  return nhsNumbers
}
