// Entries of the audit trail, each with the process that wrote it.
import { isVersion, splitNumbered } from './provenance-source.js'
import type { ResourceRow, ResourceSource } from './resource-query.js'

export interface AuditRow extends ResourceRow {
  /** host/process id */
  process: string
  actor: string
  action: string
  recordId: string | null
  recordVersion: number | null
  /** AuditEvent.action. */
  letter: 'C' | 'R' | 'U' | 'D' | 'E'
  /** On a resource, http://hl7.org/fhir/R4/valueset-type-restful-interaction.html; null for any other act. */
  interaction: string | null
  /** Ids, counts and reasons; never a patient's data. */
  detail: Record<string, unknown>
}

const LETTER = `case
         when entry.action in ('immunization.create', 'immunization.reinstate', 'replay.plan') then 'C'
         when entry.action = 'immunization.update' then 'U'
         when entry.action = 'immunization.delete' then 'D'
         when starts_with(entry.action, 'read.') and not entry.action like '%.search-type' then 'R'
         else 'E'
       end`
const INTERACTION = `case
         when entry.action = 'immunization.reinstate' then 'create'
         when entry.action ~ '^(immunization|read)[.]' then substring(entry.action from '[^.]+$')
       end`

export const AUDIT_SOURCE: ResourceSource = {
  columns: `1 as version, chain.process, entry.actor, entry.action, entry.record_id as "recordId",
       entry.version as "recordVersion", entry.detail::json as detail, ${LETTER} as letter,
       ${INTERACTION} as interaction`,
  from: () => `
  from audit_entry entry
  join audit_chain chain using (chain_id)`,
  visible: (_bind, { ops }) => (ops ? [] : ['false']),
  id: `(entry.chain_id || '-' || entry.position)`,
  lastUpdated: 'entry.at',
  patientKey: 'entry.patient_key',
  conditions: {
    _id: (bind, ids) => isVersion('entry.chain_id', 'entry.position', ids.map(splitNumbered), bind),
    agent: (bind, clients) => `entry.actor = any (${bind(clients)})`,
    // `record` for any version of it, `record/version` for one.
    entity: (bind, targets) => `(entry.record_id || coalesce('/' || entry.version, '') = any (${bind(targets)})
             or entry.record_id = any (${bind(targets.filter((target) => !target.includes('/')))}::uuid[]))`,
    // An interaction, or the action in the words of the Hub: `create`, `search-type`, `replay.start`.
    subtype(bind, codes) {
      const wanted = bind(codes)
      return `(entry.action = any (${wanted}) or ${INTERACTION} = any (${wanted}))`
    },
    action: (bind, letters) => `${LETTER} = any (${bind(letters)})`
  },
  instants: { _lastUpdated: 'entry.at', date: 'entry.at' }
}
