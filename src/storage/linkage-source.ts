// Event groups as one who looks may see them: the members of vaccine types they may read, two at least.
import type { MemberRole } from '../dedup/survivor.js'
import type { ResourceRow, ResourceSource } from './resource-query.js'

export interface LinkageRow extends ResourceRow {
  /** Whether one of the records still counts. */
  active: boolean
  /** The one that counts first. With those elsewhere two at least. */
  members: { recordId: string; role: MemberRole }[]
  /** The same event as a register holds it from others; null when there is none. */
  elsewhere: { source: string; system: string; value: string; primarySource: boolean }[] | null
}

export const LINKAGE_SOURCE: ResourceSource = {
  columns: `grouped.revision as version, grouped.survivor_record_id is not null as active, seen.members,
            held.elsewhere`,
  from: (bind, { vaccineTypes }) => `
  from event_group grouped
 cross join lateral (
         select json_agg(
                  json_build_object('recordId', member.record_id, 'role', member.role)
                  order by member.role <> 'source', member.record_id
                ) as members,
                count(*) as shown
           from event_group_member member
           join record using (record_id)
          where member.group_id = grouped.group_id
            and record.vaccine_type = any (${bind(vaccineTypes)})
       ) seen
 cross join lateral (
         select json_agg(
                  json_build_object(
                    'source', other.source, 'system', other.identifier_system, 'value', other.identifier_value,
                    'primarySource', (other.features ->> 'primarySource')::boolean
                  )
                  order by other.source, other.identifier_system, other.identifier_value
                ) as elsewhere,
                count(*) as shown
           from elsewhere_record other
          where other.group_id = grouped.group_id
            and other.outcome = 'same'
            and other.vaccine_type = any (${bind(vaccineTypes)})
       ) held`,
  visible: () => ['seen.shown >= 1', 'seen.shown + held.shown >= 2'],
  id: 'grouped.group_id::text',
  lastUpdated: 'grouped.updated_at',
  patientKey: 'grouped.patient_key',
  conditions: {
    _id: (bind, ids) => `grouped.group_id = any (${bind(ids)}::uuid[])`,
    item: (bind, ids, { vaccineTypes }) => hasMember(bind(ids), bind(vaccineTypes), ''),
    source: (bind, ids, { vaccineTypes }) => hasMember(bind(ids), bind(vaccineTypes), `and member.role = 'source'`)
  },
  instants: { _lastUpdated: 'grouped.updated_at' }
}

// A record the searcher may not read leads to nothing, or a search would tell what it is grouped with.
function hasMember(ids: string, vaccineTypes: string, also: string): string {
  return `grouped.group_id in (
         select member.group_id
           from event_group_member member
           join record using (record_id)
          where member.record_id = any (${ids}::uuid[])
            and record.vaccine_type = any (${vaccineTypes})
            ${also}
       )`
}
