// Routes that are open to anyone: health, what the service can do, and its description.
import { readFileSync } from 'node:fs'
import type { FastifyRequest } from 'fastify'
import { sendFhir } from './answer.js'
import { docsRoutes } from './docs-routes.js'
import { doorFault } from './door-fault.js'
import { FHIR_BASE, type Route } from './route.js'
import { hasTag, sendTagged, tagOf, tagPage } from './tagged-answer.js'

export interface Health {
  ready: boolean
  checks: { name: string; ok: boolean; detail?: string }[]
}

/** `statement`, `terminology`: CapabilityStatement and TerminologyCapabilities as JSON text. */
export function serviceRoutes(deps: {
  health: () => Promise<Health>
  /** Prometheus text. */
  metrics: () => Promise<string>
  statement: () => string
  terminology: () => string
}): Route[] {
  const description = readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8')
  const openapi = tagPage('application/yaml; charset=utf-8', description)
  return [
    {
      method: 'GET',
      path: '/health/live',
      access: 'open',
      surface: 'plain',
      handle: (_request, reply) => reply.send({ status: 'live' })
    },
    {
      method: 'GET',
      path: '/health/ready',
      access: 'open',
      surface: 'plain',
      async handle(_request, reply) {
        const { ready, checks } = await deps.health()
        return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', checks })
      }
    },
    {
      method: 'GET',
      path: '/metrics',
      access: 'ops/read',
      surface: 'plain',
      async handle(_request, reply) {
        const text = await deps.metrics()
        return reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8').send(text)
      }
    },
    {
      method: 'GET',
      path: `${FHIR_BASE}/metadata`,
      access: 'open',
      surface: 'fhir',
      handle(request, reply) {
        const text = readMode(request) === 'terminology' ? deps.terminology() : deps.statement()
        if (hasTag(request, reply, tagOf(text))) return reply.code(304).send()
        return sendFhir(request, reply, text)
      }
    },
    {
      method: 'GET',
      path: '/openapi.yaml',
      access: 'open',
      surface: 'plain',
      handle: (request, reply) => sendTagged(request, reply, openapi)
    },
    ...docsRoutes()
  ]
}

// All that is served is full; of the CapabilityStatement itself nothing is left out as not normative.
function readMode({ parameters }: FastifyRequest): string {
  const [mode = 'full', ...others] = parameters.filter(({ name }) => name === 'mode').map(({ value }) => value)
  if (others.length === 0 && MODES.includes(mode)) return mode
  throw doorFault(400, 'value', 'metadata-mode', `mode must be one of ${MODES.join(', ')}`)
}

const MODES: readonly string[] = ['full', 'normative', 'terminology']
