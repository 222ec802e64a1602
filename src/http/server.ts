// The HTTP door: one Fastify server made from the table of routes.
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { finished } from 'node:stream'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { History } from '../history/history.js'
import { createResourceReads, type ResourceReads } from '../history/resource-reads.js'
import type { Cursors } from '../history/cursor.js'
import type { Preview } from '../ingest/preview.js'
import type { Ingest } from '../ingest/submission.js'
import { admit, parseBody } from './admit.js'
import { sendError } from './answer.js'
import { bundleRoutes, type BundleRoutesDeps } from './bundle/bundle-routes.js'
import { createCapabilityStatement, createTerminologyCapabilities, type Capability } from './capability-statement.js'
import { compressAnswer } from './content-coding.js'
import { definitionKind, operationDefinitions, searchParameters } from './definitions.js'
import { doorFault } from './door-fault.js'
import type { HttpLog } from './http-log.js'
import { immunizationComposed } from './immunization-composed.js'
import { immunizationReads } from './immunization-reads.js'
import { immunizationResource } from './immunization-resource.js'
import { immunizationValidate } from './immunization-validate.js'
import { immunizationWrites } from './immunization-writes.js'
import { openResource, resourceRoutes, scoped, servedResource, type ServedType } from './resource-routes.js'
import { PATIENT_RESOURCE, patientStatus, type PatientStatusDeps } from './patient-status.js'
import { correlationIdOf } from './request-id.js'
import { FHIR_BASE, type Access, type Route, type ServedResource } from './route.js'
import { SAFE_SETTINGS, SECURITY_HEADERS } from './safe-settings.js'
import { serviceRoutes, type Health } from './service-routes.js'
import { smartRoutes, type SmartSettings } from './smart-configuration.js'
import type { VerifyToken } from './token-verifier.js'
import { methodsAt, namesNoRecord, refuseUnmatched } from './unmatched.js'

export interface HttpServerDeps extends Pick<PatientStatusDeps, 'status' | 'rules'> {
  ingest: Ingest
  preview: Preview
  history: History
  /** The other resources, served read-only. */
  served: readonly ResourceReads[]
  /** Signs the page links of what the door itself lists. */
  cursors: Cursors
  verifyToken: VerifyToken
  health: () => Promise<Health>
  /** Prometheus text. */
  metrics: () => Promise<string>
  capability: Capability
  smart: SmartSettings
  limits: { bodyBytes: number }
  bundles: Pick<BundleRoutesDeps, 'together' | 'historyOn' | 'jobs' | 'wake' | 'maxBytes'>
  log: HttpLog
  now: () => Date
  /** Where callers reach this service (https://hub.example); the address it listens on unless said. */
  baseUrl?: string
  /** Registers the operations API: routes below /ops, that want ops/read (GET) or ops/write unless they say otherwise. */
  opsRoutes?: (app: FastifyInstance) => void
}

export interface HttpServer {
  /** Resolves with the URL once it listens; rejects when the port is taken. */
  listen(options: { host: string; port: number }): Promise<string>
  /** Takes no new connections, answers the requests in flight. */
  close(): Promise<void>
  inject: FastifyInstance['inject']
  /** Absolute base of the FHIR API. */
  base(): string
  /** Every route there is. */
  readonly routes: readonly RegisteredRoute[]
}

export interface RegisteredRoute {
  method: string
  path: string
  access: Access
}

export function createHttpServer(deps: HttpServerDeps): HttpServer {
  const app = fastify({
    ...SAFE_SETTINGS,
    bodyLimit: deps.limits.bodyBytes,
    frameworkErrors(error, request, reply) {
      prepare(request, reply, deps.log)
      void sendError(error, request, reply, deps.log)
    }
  })
  let closing = false
  const registered = recordRoutes(app)
  const base = (): string => `${(deps.baseUrl ?? addressOf(app)).replace(/\/$/, '')}${FHIR_BASE}`

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, parseBody)
  for (const name of ['caller', 'parameters', 'answer', 'logged'] as const) app.decorateRequest(name, undefined)
  app.addHook('onRequest', async (request, reply) => {
    prepare(request, reply, deps.log)
    if (closing) reply.header('connection', 'close')
    requireHost(request.raw)
    if (namesNoRecord(request.params)) refuseUnmatched(request.method, request.url, registered)
    await admit(request, deps.verifyToken)
  })
  app.addHook('onSend', async (request, reply, payload) => {
    stampDate(reply, deps.now())
    const compressed = await compressAnswer(payload, request.headers['accept-encoding'])
    if (compressed === undefined) return payload
    reply.header('content-encoding', compressed.coding).removeHeader('content-length')
    return compressed.bytes
  })
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, deps.log))
  app.setNotFoundHandler((request, reply) => {
    if (request.method !== 'OPTIONS') return refuseUnmatched(request.method, request.url, registered)
    return reply.code(204).header('allow', methodsAt(request.url, registered)).send()
  })

  for (const route of createRoutes(deps, base)) register(app, route)
  deps.opsRoutes?.(app)

  return {
    listen: (options) => app.listen(options),
    async close() {
      closing = true
      await app.close()
    },
    inject: app.inject.bind(app),
    base,
    routes: registered
  }
}

/** Every route but those of the operations API. */
function createRoutes(deps: HttpServerDeps, base: () => string): Route[] {
  const { capability } = deps
  const routes: Route[] = [
    ...immunizationReads({ history: deps.history, base }),
    ...immunizationComposed({ history: deps.history, base }),
    ...immunizationWrites({ ingest: deps.ingest, now: deps.now, base }),
    ...immunizationValidate({ preview: deps.preview, history: deps.history, now: deps.now }),
    ...patientStatus(deps, base),
    ...bundleRoutes({
      ...deps.bundles,
      ingest: deps.ingest,
      history: deps.history,
      judgeByProfile: (value, profile) => deps.preview.judgeByProfile(value, profile),
      now: deps.now,
      base
    })
  ]
  const resources = [immunizationResource(capability.profiles), PATIENT_RESOURCE]
  for (const served of [...deps.served.map(scoped), ...definitions(deps, routes, resources, base)]) {
    routes.push(...resourceRoutes(served, base))
    resources.push(servedResource(served.reads))
  }
  const statement = (): string => JSON.stringify(createCapabilityStatement(capability, routes, resources, base()))
  const terminology = (): string => JSON.stringify(createTerminologyCapabilities(capability, base()))
  return [...routes, ...serviceRoutes({ ...deps, statement, terminology }), ...smartRoutes(deps.smart)]
}

/** What describes the service itself is made from the same tables, when it is asked for. */
function definitions(
  { capability, cursors }: HttpServerDeps,
  routes: readonly Route[],
  resources: readonly ServedResource[],
  base: () => string
): ServedType[] {
  const context = () => ({ base: base(), date: capability.date, experimental: capability.experimental })
  // Who reads a definition is nobody's business.
  const deps = { cursors, note: () => undefined }
  return [
    definitionKind('OperationDefinition', 'The operations that are served.', () =>
      operationDefinitions(routes, context())
    ),
    definitionKind('SearchParameter', "The Hub's own search parameters: those that R4 does not define.", () =>
      searchParameters(resources, context())
    )
  ].map((kind) => openResource(createResourceReads(kind, deps)))
}

function register(app: FastifyInstance, { method, path, access, surface, accepts, bodyLimit, handle }: Route): void {
  app.route({
    method,
    url: path,
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
    config: { access, surface, ...(accepts === undefined ? {} : { accepts }) },
    handler: handle
  })
}

// No route is open by an oversight: what does not say who may use it is refused at start.
function recordRoutes(app: FastifyInstance): RegisteredRoute[] {
  const registered: RegisteredRoute[] = []
  app.addHook('onRoute', (route) => {
    const methods = [route.method].flat()
    const isOps = route.url.startsWith('/ops/')
    const reads = methods.every((method) => method === 'GET' || method === 'HEAD')
    const access = route.config?.access ?? (isOps ? (reads ? 'ops/read' : 'ops/write') : undefined)
    if (access === undefined) throw new Error(`${route.url} does not say who may use it (config.access)`)
    route.config = { surface: 'plain', ...route.config, access }
    for (const method of methods) if (method !== 'HEAD') registered.push({ method, path: route.url, access })
  })
  return registered
}

function prepare(request: FastifyRequest, reply: FastifyReply, log: HttpLog): void {
  // Fastify's onResponse is silent about callers who went away and about URLs that it refuses itself.
  const startedAt = performance.now()
  finished(reply.raw, (cutOff) => {
    // 499: the caller went away before the answer, as proxies log it.
    const status = cutOff ? 499 : reply.statusCode
    log.info(describe(request, status, performance.now() - startedAt), 'http.answered')
  })
  request.logged = {}
  request.parameters = []
  request.answer = { type: 'application/fhir+json', pretty: false }
  reply.headers(SECURITY_HEADERS).header('x-request-id', request.id)
  const correlationId = correlationIdOf(request)
  if (correlationId === undefined) return
  request.logged['correlation_id'] = correlationId
  reply.header('x-correlation-id', correlationId)
}

// Node would refuse it without a word. RFC 9112 section 3.2; HTTP/1.0 has no Host.
function requireHost({ httpVersion, headers }: IncomingMessage): void {
  if (httpVersion === '1.0' || headers.host !== undefined) return
  throw doorFault(400, 'invalid', 'request-malformed', 'HTTP/1.1 wants a Host header; send it')
}

// Node keeps the Date of a busy second too long, and another process may have a clock that is ahead: Last-Modified is
// never later than Date (RFC 9110 section 8.8.2.1).
function stampDate(reply: FastifyReply, now: Date): void {
  const lastModified = reply.getHeader('last-modified')
  if (typeof lastModified === 'string' && Date.parse(lastModified) > now.getTime())
    reply.header('last-modified', now.toUTCString())
  reply.header('date', now.toUTCString())
}

function describe(request: FastifyRequest, status: number, durationMs: number): object {
  return {
    method: request.method,
    route: request.routeOptions.url ?? 'unmatched',
    status,
    duration_ms: Math.round(durationMs * 10) / 10,
    request_id: request.id,
    ...(request.caller === undefined ? {} : { client: request.caller.client }),
    ...request.logged
  }
}

function addressOf(app: FastifyInstance): string {
  const address = app.server.address() as AddressInfo | null
  if (address === null) return 'http://localhost'
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}
