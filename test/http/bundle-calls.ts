// Sending Bundles in tests.
import { readFileSync } from 'node:fs'
import type { Bundle, BundleEntry, Immunization, OperationOutcome } from 'fhir/r4.js'
import { fluByPharmacy } from '../support/ingest-rig.js'
import type { OpenHub } from './open-hub.js'

export const BASE = '/FHIR/R4'

export interface Sent {
  statusCode: number
  headers: Record<string, unknown>
  body: string
}

export async function sendBundle(
  hub: OpenHub,
  bundle: object | string,
  headers: Record<string, string> = {},
  token: {
    client?: string
    permissions?: string[]
    scopes?: ('system/Immunization.cruds' | 'system/Immunization.rs')[]
  } = {}
): Promise<Sent> {
  return hub.server.inject({
    method: 'POST',
    url: BASE,
    headers: {
      authorization: await hub.bearer(token),
      'content-type': 'application/fhir+json',
      ...headers
    },
    payload: typeof bundle === 'string' ? bundle : JSON.stringify(bundle)
  })
}

export function bundleOf(type: 'batch' | 'transaction', entry: object[]): object {
  return { resourceType: 'Bundle', type, entry }
}

export function postOf(resource: object, more: object = {}): { resource: object; request: object } {
  return { resource, request: { method: 'POST', url: 'Immunization', ...more } }
}

export function deleteOf(id: string, more: object = {}): { request: object } {
  return { request: { method: 'DELETE', url: `Immunization/${id}`, ...more } }
}

export function putOf(resource: Immunization, ifMatch: string): { resource: object; request: object } {
  return { resource, request: { method: 'PUT', url: `Immunization/${resource.id ?? ''}`, ifMatch } }
}

export function getOf(url: string, more: object = {}): { request: object } {
  return { request: { method: 'GET', url, ...more } }
}

export function answered(sent: Sent): Bundle {
  return JSON.parse(sent.body) as Bundle
}

export function entriesOf(sent: Sent): BundleEntry[] {
  return answered(sent).entry ?? []
}

export function statusesOf(sent: Sent): string[] {
  return entriesOf(sent).map(({ response }) => (response?.status ?? '').slice(0, 3))
}

export function outcomeOf(value: unknown): { rule: string; at: string | undefined }[] {
  return (value as OperationOutcome).issue.map(({ details, expression }) => ({
    rule: details?.coding?.[0]?.code ?? '',
    at: expression?.[0]
  }))
}

/** A flu vaccination that counts, of a patient of its own when numbered. */
export function flu(value: string, changes: Parameters<typeof fluByPharmacy>[0] = {}): Immunization {
  return fluByPharmacy({ value, ...changes })
}

/** Creates a record by itself. */
export async function create(hub: OpenHub, resource: object): Promise<Immunization> {
  const answer = await hub.server.inject({
    method: 'POST',
    url: `${BASE}/Immunization`,
    headers: { authorization: await hub.bearer(), 'content-type': 'application/fhir+json' },
    payload: JSON.stringify(resource)
  })
  if (answer.statusCode !== 201) throw new Error(answer.body)
  return answer.json<Immunization>()
}

export async function countRecords(hub: OpenHub): Promise<number> {
  const { rows } = await hub.pool.query<{ count: number }>('select count(*) from record')
  return Number(rows[0]?.count)
}

export function readBundleFixture(name: string): string {
  return readFileSync(new URL(`../../fixtures/bundle/${name}.json`, import.meta.url), 'utf8')
}
