// Who read what, for the audit trail. Reading must stay fast, so entries are gathered and written together: at the latest
// after a second, and at the end. What could not be written is kept and tried again; a process that is killed loses the
// last second.
import { FhirError } from '../fhir/operation-outcome.js'
import type { AuditEntry, AuditStore } from '../storage/audit-store.js'

/** What was read or searched, and by whom. */
export interface ReadNote {
  /** Client name of the caller. */
  actor: string
  type: string
  interaction: 'read' | 'vread' | 'history-instance' | 'history-type' | 'search-type'
  recordId?: string
  version?: number
  /** Whose data it was; undefined when nobody's was found. */
  patientKey?: string
  /** How many were found. Never a patient's data. */
  detail?: Record<string, unknown>
}

export interface ReadAudit {
  /** @throws FhirError 503 when so much waits to be written that more would be read than can be accounted for */
  note(note: ReadNote): void
  /** Writes what is left. Rejects when it cannot. */
  close(): Promise<void>
}

export interface ReadAuditDeps {
  store: Pick<AuditStore, 'append'>
  /** A chain for reads alone: what is accepted at the same moment does not wait for it. */
  chainId: string
  now: () => Date
  onFault: (error: unknown, waiting: number) => void
}

const FLUSH_AFTER_MS = 500
const BATCH = 250
const MAX_WAITING = 50_000

export function createReadAudit({ store, chainId, now, onFault }: ReadAuditDeps): ReadAudit {
  const waiting: AuditEntry[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined

  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH)
      await store.append(chainId, batch)
      waiting.splice(0, batch.length)
    }
  }
  // One write at a time keeps the order; the next one takes what came meanwhile.
  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    writing ??= writeAll().finally(() => {
      writing = undefined
    })
    return writing
  }
  const flushLater = (): void => {
    timer ??= setTimeout(() => {
      flush().then(
        () => {
          if (waiting.length > 0) flushLater()
        },
        (error: unknown) => {
          onFault(error, waiting.length)
          flushLater()
        }
      )
    }, FLUSH_AFTER_MS)
  }

  return {
    note({ actor, type, interaction, recordId, version, patientKey, detail = {} }) {
      if (waiting.length >= MAX_WAITING) throw unaccountable()
      waiting.push({
        at: now(),
        actor,
        action: `read.${type}.${interaction}`,
        ...(recordId === undefined ? {} : { recordId }),
        ...(version === undefined ? {} : { version }),
        ...(patientKey === undefined ? {} : { patientKey }),
        detail
      })
      flushLater()
    },
    async close() {
      await writing?.catch(() => undefined)
      await flush()
    }
  }
}

function unaccountable(): FhirError {
  const text = 'who reads what cannot be written down at the moment; try again after the seconds in Retry-After'
  return new FhirError(
    503,
    [{ severity: 'error', code: 'transient', layer: 'service', rule: 'audit-unavailable', text }],
    { 'Retry-After': '5' }
  )
}
