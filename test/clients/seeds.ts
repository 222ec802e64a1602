// What the tests of real clients have in common: a running service, and records of one patient.
import type { Immunization } from 'fhir/r4.js'
import type { Test } from 'tap'
import { uuidv7 } from 'uuidv7'
import { fluByPharmacy } from '../support/ingest-rig.js'
import { startHub, type RunningHub } from '../support/running-hub.js'

export async function openForClient(t: Test): Promise<RunningHub & { bearer: string }> {
  const hub = await startHub(t)
  return { ...hub, bearer: await hub.token({ permissions: ['*.CRUDS'] }) }
}

/** Three vaccinations, reported by one supplier. */
export function threeRecords(): Immunization[] {
  return [10, 11, 12].map((day) => {
    const at = `2026-10-${day}T10:15:00+01:00`
    return fluByPharmacy({ value: uuidv7(), occurrenceDateTime: at, recorded: at })
  })
}

/** The error that a client makes of a refusal. */
export function failureOf(work: Promise<unknown>): Promise<object> {
  return work.then(
    () => Promise.reject(new Error('it was not refused')),
    (error: unknown) => error as object
  )
}
