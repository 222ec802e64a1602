// A FHIR R4 server for Immunizations: create, conditional update and search by identifier, read, update, delete, each
// with versions. Source: http://hl7.org/fhir/R4/http.html, checked 2026-11-28.
import { randomUUID } from 'node:crypto'
import type { Immunization } from 'fhir/r4.js'
import type { NhsTokens } from './nhs-tokens.js'
import { jsonAnswer, type Receiver, type SandboxAnswer, type SandboxRequest } from './receiver.js'

const FHIR_JSON = 'application/fhir+json'
const PATH = /^\/fhir\/r4\/Immunization(?:\/([^/]+))?$/

interface HeldRecord {
  id: string
  version: number
  isDeleted: boolean
  resource: Immunization
}

export function createFhirReceiver(tokens: NhsTokens, baseUrl: () => string, now: () => Date): Receiver {
  const byId = new Map<string, HeldRecord>()

  function find(query: URLSearchParams): HeldRecord[] {
    const wanted = query.get('identifier')
    return [...byId.values()].filter(
      ({ isDeleted, resource }) =>
        !isDeleted && resource.identifier?.some(({ system, value }) => `${system ?? ''}|${value ?? ''}` === wanted)
    )
  }

  function keep(held: HeldRecord | undefined, body: string): SandboxAnswer {
    const resource = parseImmunization(body)
    if (resource === undefined) return outcome(400, 'structure', 'the body is no Immunization')
    // As most servers do it: an update that changes nothing makes no version.
    const isSame = held?.isDeleted === false && JSON.stringify(held.resource) === JSON.stringify(resource)
    const record: HeldRecord = {
      id: held?.id ?? randomUUID(),
      version: (held?.version ?? 0) + (isSame ? 0 : 1),
      isDeleted: false,
      resource
    }
    byId.set(record.id, record)
    const status = held === undefined || held.isDeleted ? 201 : 200
    return { status, headers: headersOf(record), effect: effectOf(record, !isSame) }
  }

  function putByIdentifier({ query, body }: SandboxRequest): SandboxAnswer {
    if (query.get('identifier') === null) return outcome(400, 'required', 'a conditional update needs an identifier')
    const matches = find(query)
    if (matches.length > 1) return outcome(412, 'multiple-matches', `${matches.length} records have this identifier`)
    return keep(matches[0], body)
  }

  function putById(id: string, { headers, body }: SandboxRequest): SandboxAnswer {
    const held = byId.get(id)
    if (held === undefined) return notFound(404)
    const expected = headers['if-match']
    if (expected !== undefined && expected !== tagOf(held))
      return outcome(412, 'conflict', `the current version is ${held.version}`)
    const { id: bodyId } = parseImmunization(body, true) ?? {}
    return bodyId === id ? keep(held, body) : outcome(400, 'value', 'the id of the body is not the one of the address')
  }

  function remove(id: string): SandboxAnswer {
    const held = byId.get(id)
    if (held === undefined || held.isDeleted) return { status: 204 }
    held.isDeleted = true
    held.version += 1
    return { status: 204, effect: effectOf(held, true) }
  }

  function read(id: string): SandboxAnswer {
    const held = byId.get(id)
    if (held === undefined || held.isDeleted) return notFound(held === undefined ? 404 : 410)
    const answer = jsonAnswer(200, served(held), FHIR_JSON)
    return { ...answer, headers: { ...answer.headers, ETag: tagOf(held) } }
  }

  function search(query: URLSearchParams): SandboxAnswer {
    const entry = find(query).map((held) => ({
      fullUrl: `${baseUrl()}/Immunization/${held.id}`,
      resource: served(held),
      search: { mode: 'match' }
    }))
    return jsonAnswer(200, { resourceType: 'Bundle', type: 'searchset', total: entry.length, entry }, FHIR_JSON)
  }

  function served({ id, version, resource }: HeldRecord): Immunization {
    const meta = { ...resource.meta, versionId: String(version), lastUpdated: now().toISOString() }
    return { ...resource, id, meta }
  }

  function headersOf(record: HeldRecord): Record<string, string> {
    const location = `${baseUrl()}/Immunization/${record.id}/_history/${record.version}`
    return { Location: location, ETag: tagOf(record) }
  }

  return {
    isWrite: ({ method }) => method !== 'GET',
    journalPath: ({ path }) => path,
    holdings: () => [...byId.values()],
    fail: (fault) => FAULTS[fault],
    touch({ path, query }) {
      const held = byId.get(PATH.exec(path)?.[1] ?? '') ?? find(query)[0]
      if (held !== undefined) held.version += 1
    },
    expire: () => {
      tokens.revokeAll()
    },
    answer(request) {
      const match = PATH.exec(request.path)
      if (match === null) return notFound(404)
      if (!tokens.isGood(request.headers.authorization)) return FAULTS.credentials
      const [, id] = match
      if (request.method === 'GET') return id === undefined ? search(request.query) : read(id)
      if (request.method === 'PUT') return id === undefined ? putByIdentifier(request) : putById(id, request)
      if (request.method === 'POST' && id === undefined) return keep(undefined, request.body)
      if (request.method === 'DELETE' && id !== undefined) return remove(id)
      return outcome(405, 'not-supported', 'method not allowed')
    }
  }
}

const FAULTS: Record<Parameters<Receiver['fail']>[0], SandboxAnswer> = {
  down: outcome(503, 'transient', 'the server is being restarted'),
  limited: outcome(429, 'throttled', 'too many requests'),
  refuse: outcome(422, 'business-rule', 'refused because the sandbox was told to refuse'),
  credentials: outcome(401, 'login', 'the access token is missing or has expired')
}

/** Without id and versions, which are the server's to give. */
function parseImmunization(body: string, withId = false): Immunization | undefined {
  const parsed = JSON.parse(body) as Partial<Immunization>
  if (parsed.resourceType !== 'Immunization') return undefined
  const { id, ...resource } = parsed as Immunization
  return withId && id !== undefined ? { ...resource, id } : resource
}

function tagOf({ version }: HeldRecord): string {
  return `W/"${version}"`
}

function effectOf({ resource, version }: HeldRecord, applied: boolean): NonNullable<SandboxAnswer['effect']> {
  const { system = '', value = '' } = resource.identifier?.[0] ?? {}
  const lotNumber = resource.lotNumber === undefined ? {} : { lotNumber: resource.lotNumber }
  return { recordKey: `${system}#${value}`, version: String(version), ...lotNumber, applied }
}

function notFound(status: 404 | 410): SandboxAnswer {
  return outcome(status, status === 404 ? 'not-found' : 'deleted', 'there is no such record')
}

function outcome(status: number, code: string, diagnostics: string): SandboxAnswer {
  const issue = [{ severity: 'error', code, diagnostics }]
  return jsonAnswer(status, { resourceType: 'OperationOutcome', issue }, FHIR_JSON)
}
