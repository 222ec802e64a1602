// What the receivers of the sandbox have in common.
import type { IncomingHttpHeaders } from 'node:http'

export const SANDBOX_DESTINATIONS = [
  'nhs-immunisation-api',
  'gp-record',
  'eligibility-store',
  'mns-event',
  'fhir-rest',
  'webhook'
] as const
export type SandboxDestination = (typeof SANDBOX_DESTINATIONS)[number]

/** Whoever the sandbox plays: the destinations, and the terminology server. */
export const SANDBOX_RECEIVERS = [...SANDBOX_DESTINATIONS, 'terminology'] as const
export type SandboxReceiver = (typeof SANDBOX_RECEIVERS)[number]

export interface SandboxRequest {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: string
}

export interface SandboxAnswer {
  status: number
  headers?: Record<string, string>
  body?: string
  /** What the journal says about it; `applied` when the receiver's state changed. */
  effect?: { recordKey: string; version?: string; lotNumber?: string; applied: boolean }
}

/** What the caller gets: an answer, or a connection that breaks instead of it (`reset`) or in its body (`half`). */
export interface SandboxReply extends SandboxAnswer {
  ending?: 'reset' | 'half'
}

/** Faults that a receiver can be told to have, answered in its own words. */
export type FaultAnswer = 'down' | 'limited' | 'refuse' | 'credentials'

export interface Receiver {
  /** True when the request could change the receiver. */
  isWrite(request: SandboxRequest): boolean
  /** True for what a client asks by the clock: it meets faults, uses up none of their `times`, and is not in the journal. */
  isHousekeeping?(request: SandboxRequest): boolean
  answer(request: SandboxRequest): SandboxAnswer | Promise<SandboxAnswer>
  fail(fault: FaultAnswer): SandboxAnswer
  /** Somebody else writes what the request is about, so that its version is no longer the one the caller knows. */
  touch?(request: SandboxRequest): void
  /** Ends every token it gave out. */
  expire?(): void
  /** The journal's path: without an NHS number and without a query. */
  journalPath(request: SandboxRequest): string
  /** Everything it holds, for a person or a test to look at. */
  holdings(): unknown
}

export function jsonAnswer(status: number, body: unknown, contentType = 'application/json'): SandboxAnswer {
  return { status, headers: { 'Content-Type': contentType }, body: JSON.stringify(body) }
}
