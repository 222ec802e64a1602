// What tests look at of patients, their records and their event groups.
import { randomBytes } from 'node:crypto'
import type { Bundle } from 'fhir/r4.js'
import { createHistory } from '../../src/history/history.js'
import { clientOf, type IngestRig } from '../support/ingest-rig.js'

export interface GroupRow {
  nhsNumber: string
  groupId: string
  survivor: string | null
  members: string[]
}

/** The event groups that have members, by the number of the patient that owns them. */
export function groupsOf(rig: IngestRig): Promise<GroupRow[]> {
  return rig.rows<GroupRow>(
    `select patient.nhs_number as "nhsNumber", grouped.group_id as "groupId", grouped.survivor_record_id as survivor,
            array_agg(member.record_id || ' ' || member.role order by member.record_id) as members
       from event_group grouped
       join event_group_member member using (group_id)
       join patient on patient.patient_key = grouped.patient_key
      group by patient.patient_key, grouped.group_id
      order by grouped.group_id`
  )
}

/** Ids of the records a search by this number finds, ascending; `all`: those that do not count, too. */
export function createSearch(rig: IngestRig) {
  const history = createHistory({ store: rig.database.stores.history, cursorKey: randomBytes(32) })
  return async (nhsNumber: string, { all = true, count = 100, cursor = '' } = {}) => {
    const parameters =
      cursor === ''
        ? [
            { name: 'patient.identifier', value: `https://fhir.nhs.uk/Id/nhs-number|${nhsNumber}` },
            { name: '_count', value: String(count) },
            ...(all ? [{ name: '-hub.alternates', value: 'true' }] : [])
          ]
        : [{ name: '_cursor', value: cursor }]
    const bundle = JSON.parse(
      await history.search(clientOf('gp'), parameters, { base: 'https://hub.test', lenient: false })
    ) as Bundle
    const next = bundle.link?.find(({ relation }) => relation === 'next')?.url
    return {
      ids: (bundle.entry ?? []).map(({ resource }) => resource?.id ?? '').sort(),
      next: next === undefined ? undefined : (new URL(next).searchParams.get('_cursor') ?? undefined)
    }
  }
}
