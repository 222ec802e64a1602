// Records, groups and reviews on a hub of the test's own, and callers to ask for what is made of them.
import type { Bundle, FhirResource, Immunization } from 'fhir/r4.js'
import type { Test } from 'tap'
import { fluByPharmacy, readFixture } from '../support/ingest-rig.js'
import { NOW } from './open-door.js'
import { openHub, type OpenHub } from './open-hub.js'

export const BASE = '/FHIR/R4'
export const EVERY_SCOPE = ['system/*.cruds', 'ops/read']

export interface Answer {
  status: number
  headers: Record<string, unknown>
  text: string
  resource: FhirResource
}

export interface ServedHub extends OpenHub {
  /** As a client with its own record permissions and scopes; everything unless said. */
  get(path: string, who?: Who, headers?: Record<string, string>): Promise<Answer>
  ask(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, who?: Who, body?: string): Promise<Answer>
  /** Gives the id of the record. */
  post(resource: Immunization, client?: string): Promise<string>
}

export interface Who {
  client?: string
  permissions?: string[]
  scopes?: string[]
}

export async function openServedHub(t: Test): Promise<ServedHub> {
  const hub = await openHub(t, () => NOW)
  const authorizationOf = ({ client = 'ops', permissions = ['*.CRUDS'], scopes = EVERY_SCOPE }: Who = {}) =>
    hub.bearer({ client, permissions, scopes })
  const ask: ServedHub['ask'] = async (method, path, who, body) => {
    const form = path.includes('/_search')
    const answer = await hub.server.inject({
      method,
      url: `${BASE}${path}`,
      headers: {
        authorization: await authorizationOf(who),
        ...(body === undefined
          ? {}
          : { 'content-type': form ? 'application/x-www-form-urlencoded' : 'application/fhir+json' })
      },
      ...(body === undefined ? {} : { payload: body })
    })
    return toAnswer(answer)
  }
  return {
    ...hub,
    ask,
    async get(path, who, headers = {}) {
      const url = path.startsWith('https://hub.test') ? path.slice('https://hub.test'.length) : `${BASE}${path}`
      return toAnswer(
        await hub.server.inject({ url, headers: { authorization: await authorizationOf(who), ...headers } })
      )
    },
    async post(resource, client = 'pharmacy') {
      const answer = await ask('POST', '/Immunization', { client }, JSON.stringify(resource))
      if (answer.status !== 201) throw new Error(`${answer.status}: ${answer.text}`)
      return answer.resource.id ?? ''
    }
  }
}

function toAnswer(answer: { statusCode: number; headers: Record<string, unknown>; body: string }): Answer {
  const { statusCode: status, headers, body: text } = answer
  return { status, headers, text, resource: JSON.parse(text === '' ? '{}' : text) as FhirResource }
}

export function bundleOf({ resource }: Answer): Bundle {
  if (resource.resourceType !== 'Bundle') throw new Error(`a Bundle was expected: ${JSON.stringify(resource)}`)
  return resource
}

export function matchesOf(answer: Answer): FhirResource[] {
  return (bundleOf(answer).entry ?? []).flatMap(({ search, resource }) =>
    search?.mode === 'match' && resource !== undefined ? [resource as FhirResource] : []
  )
}

export function idsOf(answer: Answer): string[] {
  return matchesOf(answer).map(({ id = '' }) => id)
}

export function rulesOf({ resource }: Answer): string[] {
  if (resource.resourceType !== 'OperationOutcome') return []
  return resource.issue.map(({ details }) => details?.coding?.[0]?.code ?? '')
}

/** One jab, reported by the pharmacy and by the GP system. */
export async function postLinkedPair(hub: ServedHub): Promise<{ first: string; second: string }> {
  const first = await hub.post(fluByPharmacy(), 'pharmacy')
  const second = await hub.post(readFixture('flu-gp-copy-same-lot.json'), 'gp-system')
  return { first, second }
}

/** Two primary reports of one day without lots, by two organisations: deduplication cannot tell. */
export async function postDoubtfulPair(hub: ServedHub, secondOrganisation = 'FZZ02'): Promise<[string, string]> {
  const first = await hub.post(withoutLot('FZZ01'), 'pharmacy')
  const second = await hub.post(withoutLot(secondOrganisation, 'https://other-pharmacy.example/id'), 'other-pharmacy')
  return [first, second]
}

function withoutLot(organisation: string, system?: string): Immunization {
  const { lotNumber, ...record } = fluByPharmacy(system === undefined ? {} : { system })
  return JSON.parse(JSON.stringify(record).replaceAll('"FZZ01"', `"${organisation}"`)) as Immunization
}
