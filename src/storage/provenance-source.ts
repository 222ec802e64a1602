// Versions of records without their bodies: who sent each, when and by which request.
import type { SentVersion } from './history-store.js'
import type { ResourceRow, ResourceSource } from './resource-query.js'

export interface ProvenanceRow extends ResourceRow, SentVersion {
  lastUpdated: Date
}

export const PROVENANCE_SOURCE: ResourceSource = {
  columns: `1 as version, sent.record_id as "recordId", sent.version as "recordVersion", sent.operation, sent.supplier,
       sent.request_id as "requestId", sent.reason`,
  from: () => `
  from record_version sent
  join record using (record_id)`,
  visible: (bind, { vaccineTypes }) => [`record.vaccine_type = any (${bind(vaccineTypes)})`],
  id: `(sent.record_id || '-' || sent.version)`,
  lastUpdated: 'sent.received_at',
  patientKey: 'record.patient_key',
  conditions: {
    _id: (bind, ids) => isVersion('sent.record_id', 'sent.version', ids.map(splitNumbered), bind),
    // `record` for any version of it, `record/version` for one.
    target: (bind, targets) => {
      const whole = targets.filter((target) => !target.includes('/'))
      const versions = targets.filter((target) => target.includes('/')).map((target) => split(target, '/'))
      return `(sent.record_id = any (${bind(whole)}::uuid[])
             or ${isVersion('sent.record_id', 'sent.version', versions, bind)})`
    }
  },
  instants: { _lastUpdated: 'sent.received_at', recorded: 'sent.received_at' }
}

/** `id-number` */
export function splitNumbered(text: string): { id: string; number: number } {
  return split(text, '-')
}

export function isVersion(
  id: string,
  number: string,
  wanted: readonly { id: string; number: number }[],
  bind: (value: unknown) => string
): string {
  const ids = bind(wanted.map((one) => one.id))
  const numbers = bind(wanted.map((one) => one.number))
  return `(${id}, ${number}) in (select id, number from unnest(${ids}::uuid[], ${numbers}::integer[]) as one (id, number))`
}

function split(text: string, separator: '-' | '/'): { id: string; number: number } {
  const at = text.lastIndexOf(separator)
  return { id: text.slice(0, at), number: Number(text.slice(at + 1)) }
}
