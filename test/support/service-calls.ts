// What tests ask of a running service.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Test } from 'tap'
import { waitFor } from './wait-for.js'

export interface Note {
  url: string
  token: string
  sandboxUrl: string
}

export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'imms-service-'))
  // PostgreSQL runs under another account when we are root, and must get through.
  chmodSync(folder, 0o755)
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

export async function readNote(dataDir: string): Promise<Note> {
  return JSON.parse(await readFile(path.join(dataDir, 'service.json'), 'utf8')) as Note
}

export async function post(url: string, token: string, resource: object): Promise<Response> {
  return fetch(`${url}/FHIR/R4/Immunization`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' },
    body: JSON.stringify(resource)
  })
}

export async function getJson<Body>(url: string, token: string): Promise<Body> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  return (await answer.json()) as Body
}

export interface Status {
  destinations: { destination: string; delivered: number; held: number }[]
}

/** Waits until every destination has been sent as many as given. */
export async function waitForDelivered(url: string, token: string, counts: Record<string, number>): Promise<void> {
  await waitFor(
    async () => {
      const { destinations } = await getJson<Status>(`${url}/ops/status`, token)
      return Object.entries(counts).every(
        ([name, count]) => destinations.find(({ destination }) => destination === name)?.delivered === count
      )
    },
    `deliveries ${JSON.stringify(counts)}`,
    { withinMs: 30_000 }
  )
}
