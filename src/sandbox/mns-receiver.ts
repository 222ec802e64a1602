// The Multicast Notification Service as the sandbox plays it: it takes events in the national shape, each id once.
// Source: section 3.5 of reference/nhs-immunisation-fhir-api.md. What the real one refuses is not published: the
// sandbox insists on the shape, so that a slip of ours shows.
import { isNhsNumber } from '../fhir/nhs-number.js'
import type { NhsTokens } from './nhs-tokens.js'
import { jsonAnswer, type Receiver, type SandboxAnswer } from './receiver.js'

const ATTRIBUTES = 'specversion id source type time subject dataref filtering recordversion recordchangetime'.split(' ')
const FILTERS = [
  'generalpractitioner',
  'sourceorganisation',
  'sourceapplication',
  'subjectage',
  'immunisationtype',
  'action'
]

interface TakenEvent {
  specversion: string
  id: string
  source: string
  type: string
  time?: string
  subject: string
  dataref: string
  filtering: Record<string, unknown>
  recordversion?: number
}

export function createMnsReceiver(tokens: NhsTokens): Receiver {
  const taken = new Map<string, TakenEvent>()
  return {
    isWrite: ({ method }) => method !== 'GET',
    journalPath: ({ path }) => path,
    holdings: () => [...taken.values()],
    fail: (fault) => FAULTS[fault],
    expire: () => {
      tokens.revokeAll()
    },
    answer(request) {
      if (request.path !== '/multicast-notification-service/events') return failure(404, 'not found')
      if (request.method !== 'POST') return failure(405, 'method not allowed')
      if (!tokens.isGood(request.headers.authorization)) return FAULTS.credentials
      if (request.headers['content-type'] !== 'application/cloudevents+json')
        return failure(415, 'application/cloudevents+json is expected')
      const event = JSON.parse(request.body) as TakenEvent
      const faults = checkEvent(event)
      if (faults.length > 0) return failure(400, faults.join('; '))
      const key = `${event.source} ${event.id}`
      const effect = {
        recordKey: /[^/]+$/.exec(event.dataref)?.[0] ?? '',
        ...(event.recordversion === undefined ? {} : { version: String(event.recordversion) }),
        applied: !taken.has(key)
      }
      taken.set(key, event)
      return { ...jsonAnswer(200, { id: event.id }), effect }
    }
  }
}

/** What the national shape does not have, or has and is not here. */
function checkEvent(event: TakenEvent): string[] {
  const { filtering } = event as Partial<TakenEvent>
  const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
  return [
    ...Object.keys(event).flatMap((name) => (ATTRIBUTES.includes(name) ? [] : [`unknown attribute ${name}`])),
    ...(['id', 'source', 'dataref'] as const).flatMap((name) => (isText(event[name]) ? [] : [`${name} is required`])),
    ...(event.specversion === '1.0' ? [] : ['specversion must be 1.0']),
    ...(event.type === 'imms-vaccination-record-change-1' ? [] : ['unknown type']),
    ...(isNhsNumber(event.subject) ? [] : ['subject must be an NHS number']),
    ...(event.time === undefined || /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(event.time) ? [] : ['time must be an instant']),
    ...FILTERS.flatMap((name) => (name in (filtering ?? {}) ? [] : [`filtering.${name} is required`])),
    ...Object.keys(filtering ?? {}).flatMap((name) => (FILTERS.includes(name) ? [] : [`unknown filter ${name}`]))
  ]
}

const FAULTS: Record<Parameters<Receiver['fail']>[0], SandboxAnswer> = {
  down: failure(503, 'service unavailable'),
  limited: failure(429, 'too many requests'),
  refuse: failure(400, 'refused because the sandbox was told to refuse'),
  credentials: failure(401, 'the access token is missing or has expired')
}

function failure(status: number, diagnostics: string): SandboxAnswer {
  return jsonAnswer(status, { errors: [{ diagnostics }] })
}
