// Links to further pages: what was asked and where the page before ended, signed, so that a page can only be asked for
// by the client it was made for, and holds a patient's key instead of an NHS number.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { FhirError } from '../fhir/operation-outcome.js'
import type { Issue } from '../fhir/issue.js'
import type { Parameter } from './plan-search.js'

/** A further page of a search: what was asked, and the last record of the page before. */
export interface SearchPage {
  kind: 'search'
  /** Without what names the patient: a link that is passed on must not carry an NHS number. */
  parameters: Parameter[]
  patientKey?: string
  after: {
    sortKeys: string[]
    recordId: string
    /** `at`: ISO 8601, when the first page was made. */
    snapshot: { transactions: string; at: string }
  }
}

/** A further page of a version history. */
export interface VersionsPage {
  kind: 'versions'
  /** Undefined for the history of the type. */
  recordId?: string
  /** As sent, without _count. */
  parameters: Parameter[]
  count: number
  /** The last version of the page before. `receivedAt`: ISO 8601. */
  before: { receivedAt: string; recordId: string; version: number }
}

/** A further page of a search for another type of resource. */
export interface ResourcePage {
  kind: 'resource'
  type: string
  /** Without patient.identifier, as above. */
  parameters: Parameter[]
  patientKey?: string
  after: { sortKey: string; id: string }
}

export type Page = SearchPage | VersionsPage | ResourcePage

export interface Cursors {
  /** URL-safe text. */
  seal(client: string, page: Page): string
  /**
   * The page that was sealed.
   * @throws FhirError 400 for what is not a cursor of ours, 404 for one made for another client
   */
  open(client: string, text: string): Page
}

/** `key`: at least 32 bytes, the same in every process, else links of one are refused by another. */
export function createCursors(key: Uint8Array): Cursors {
  if (key.byteLength < 32) throw new Error('the key that signs page links must have at least 32 bytes')
  const sign = (payload: string): Buffer => createHmac('sha256', key).update(payload).digest()
  return {
    seal(client, page) {
      const payload = Buffer.from(JSON.stringify({ client, page })).toString('base64url')
      return `${payload}.${sign(payload).toString('base64url')}`
    },
    open(client, text) {
      const [payload = '', signature = ''] = text.split('.', 2)
      const given = Buffer.from(signature, 'base64url')
      const right = sign(payload)
      if (given.length !== right.length || !timingSafeEqual(given, right))
        throw new FhirError(400, [
          fault('invalid', 'cursor-unknown', 'this page link is not one the Hub made; start again from the first page')
        ])
      const sealed = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as {
        client: string
        page: Page
      }
      if (sealed.client !== client)
        throw new FhirError(404, [fault('not-found', 'cursor-of-another', 'there is no such page for this client')])
      return sealed.page
    }
  }
}

function fault(code: Issue['code'], rule: string, text: string): Issue {
  return { severity: 'error', code, layer: 'service', rule, text, expression: ['http._cursor'] }
}
