// The NHS Immunisation FHIR API as the sandbox plays it: create, read, update, delete, reinstate, search by identifier.
// Source: NHSDigital/immunisation-fhir-api @44be4c1, section 1 of reference/nhs-immunisation-fhir-api.md.
import { randomUUID } from 'node:crypto'
import type { Immunization } from 'fhir/r4.js'
import { checkNhsImmunization } from './nhs-rules.js'
import { jsonAnswer, type Receiver, type SandboxAnswer, type SandboxRequest } from './receiver.js'
import type { NhsTokens } from './nhs-tokens.js'

const FHIR_JSON = 'application/fhir+json'
const PATH = /^\/immunisation-fhir-api\/FHIR\/R4\/Immunization(?:\/([^/]+))?$/

interface HeldRecord {
  id: string
  version: number
  isDeleted: boolean
  resource: Immunization
}

export function createNhsReceiver(tokens: NhsTokens, baseUrl: () => string, now: () => Date): Receiver {
  const byId = new Map<string, HeldRecord>()
  const byIdentifier = new Map<string, HeldRecord>()

  function create(body: string): SandboxAnswer {
    const parsed = parseBody(body)
    if ('status' in parsed) return parsed
    const { resource } = parsed
    if (resource.id !== undefined) return invariant('id field must not be present for CREATE operation', false)
    const faults = checkNhsImmunization(resource, now())
    if (faults.length > 0) return invariant(faults.join('; '))
    const key = identifierKey(resource)
    const held = byIdentifier.get(key)
    if (held !== undefined && !held.isDeleted) {
      return outcome(422, 'duplicate', `The provided identifier: ${key} is duplicated`)
    }
    const record: HeldRecord = {
      id: held?.id ?? randomUUID(),
      version: (held?.version ?? 0) + 1,
      isDeleted: false,
      resource
    }
    keep(record, key)
    const headers = { Location: `${baseUrl()}/Immunization/${record.id}`, 'E-Tag': String(record.version) }
    return { status: 201, headers, effect: effectOf(record) }
  }

  function update(id: string, eTag: string | undefined, body: string): SandboxAnswer {
    if (eTag === undefined) return invariant('Immunization resource version not specified in the request headers')
    if (!/^[1-9]\d*$/.test(eTag)) {
      return invariant(`Immunization resource version:${eTag} in the request headers is invalid.`)
    }
    const parsed = parseBody(body)
    if ('status' in parsed) return parsed
    const { id: bodyId, ...resource } = parsed.resource
    if (bodyId !== id) {
      return invariant(`The provided immunization id:${id} doesn't match with the content of the request body`)
    }
    const faults = checkNhsImmunization(resource, now())
    if (faults.length > 0) return invariant(faults.join('; '))
    const held = byId.get(id)
    if (held === undefined) return notFound(id)
    const key = identifierKey(held.resource)
    if (identifierKey(resource) !== key) return invariant("identifier[0].value doesn't match with the stored content")
    if (!held.isDeleted && Number(eTag) < held.version) {
      return invariant(`The requested immunization resource ${id} has changed since the last retrieve.`)
    }
    if (!held.isDeleted && Number(eTag) > held.version) {
      return invariant(`The requested immunization resource ${id} version is inconsistent with the existing version.`)
    }
    const record = { id, version: held.version + 1, isDeleted: false, resource }
    keep(record, key)
    return { status: 200, headers: { 'E-Tag': String(record.version) }, effect: effectOf(record) }
  }

  function remove(id: string): SandboxAnswer {
    const held = byId.get(id)
    if (held === undefined || held.isDeleted) return notFound(id)
    held.isDeleted = true
    return { status: 204, effect: effectOf(held) }
  }

  function read(id: string): SandboxAnswer {
    const held = byId.get(id)
    if (held === undefined || held.isDeleted) return notFound(id)
    const answer = jsonAnswer(200, { ...held.resource, id }, FHIR_JSON)
    return { ...answer, headers: { ...answer.headers, 'E-Tag': String(held.version) } }
  }

  function search(query: URLSearchParams): SandboxAnswer {
    const identifier = query.get('identifier') ?? ''
    if (!identifier.includes('|')) {
      return outcome(400, 'invalid', 'Search parameter should have either identifier or patient.identifier')
    }
    // A deleted record is found as well, as it is by the real API (defect VED-1263).
    const held = byIdentifier.get(identifier.replace('|', '#'))
    const resource = held && { resourceType: 'Immunization', id: held.id, meta: { versionId: String(held.version) } }
    return jsonAnswer(
      200,
      {
        resourceType: 'Bundle',
        type: 'searchset',
        entry: held === undefined ? [] : [{ fullUrl: `${baseUrl()}/Immunization/${held.id}`, resource }],
        total: held === undefined ? 0 : 1
      },
      FHIR_JSON
    )
  }

  function keep(record: HeldRecord, key: string): void {
    byId.set(record.id, record)
    byIdentifier.set(key, record)
  }

  return {
    isWrite: ({ method }) => method !== 'GET',
    journalPath: ({ path }) => path,
    holdings: () => [...byId.values()],
    fail: (fault) => FAULTS[fault],
    touch({ path }) {
      const held = byId.get(PATH.exec(path)?.[1] ?? '')
      if (held !== undefined) held.version += 1
    },
    expire: () => {
      tokens.revokeAll()
    },
    answer(request) {
      const match = PATH.exec(request.path)
      if (match === null) return outcome(404, 'not-found', 'The requested resource was not found.')
      if (!tokens.isGood(request.headers.authorization)) return FAULTS.credentials
      const [, id] = match
      if (request.method === 'POST' && id === undefined) return create(request.body)
      if (request.method === 'GET') return id === undefined ? search(request.query) : read(id)
      if (request.method === 'PUT' && id !== undefined) return update(id, header(request, 'e-tag'), request.body)
      if (request.method === 'DELETE' && id !== undefined) return remove(id)
      return outcome(405, 'not-supported', 'Method Not Allowed')
    }
  }
}

const FAULTS = {
  down: outcome(503, 'exception', 'Unable to process request. Issue may be transient.'),
  limited: outcome(429, 'throttled', 'Too many requests'),
  refuse: outcome(400, 'invariant', 'Validation errors: refused because the sandbox was told to refuse'),
  credentials: outcome(401, 'expired', 'The sender has not provided a token or it has expired or is otherwise invalid.')
}

function parseBody(body: string): { resource: Immunization } | SandboxAnswer {
  try {
    const parsed: unknown = JSON.parse(body)
    const isOne = typeof parsed === 'object' && parsed !== null && 'resourceType' in parsed
    if (isOne && parsed.resourceType === 'Immunization') return { resource: parsed as Immunization }
    return invariant(
      "This service only accepts FHIR Immunization Resources (i.e. resourceType must equal 'Immunization')"
    )
  } catch {
    return outcome(400, 'invalid', "Request's body contains malformed JSON")
  }
}

function effectOf({ resource, version }: HeldRecord): NonNullable<SandboxAnswer['effect']> {
  return { recordKey: identifierKey(resource), version: String(version), ...lotOf(resource), applied: true }
}

function lotOf({ lotNumber }: Immunization): { lotNumber?: string } {
  return lotNumber === undefined ? {} : { lotNumber }
}

function identifierKey(resource: Immunization): string {
  const { system = '', value = '' } = resource.identifier?.[0] ?? {}
  return `${system}#${value}`
}

function header(request: SandboxRequest, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

function invariant(text: string, isPrefixed = true): SandboxAnswer {
  return outcome(400, 'invariant', isPrefixed ? `Validation errors: ${text}` : text)
}

function notFound(id: string): SandboxAnswer {
  return outcome(404, 'not-found', `Immunization resource does not exist. ID: ${id}`)
}

function outcome(status: number, code: string, diagnostics: string): SandboxAnswer {
  const coding = [{ system: 'https://fhir.nhs.uk/Codesystem/http-error-codes', code: code.toUpperCase() }]
  return jsonAnswer(
    status,
    {
      resourceType: 'OperationOutcome',
      id: randomUUID(),
      meta: { profile: ['https://simplifier.net/guide/UKCoreDevelopment2/ProfileUKCore-OperationOutcome'] },
      issue: [{ severity: 'error', code, details: { coding }, diagnostics }]
    },
    FHIR_JSON
  )
}
