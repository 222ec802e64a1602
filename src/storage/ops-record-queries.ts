// The story of one record: its versions, where each one is, its event group and its possible duplicates.
import type { Issue } from '../fhir/issue.js'
import type { AcknowledgementState } from './acknowledgement-store.js'
import type { DeliveryState } from './ops-delivery-queries.js'
import type { Sql } from './sql.js'

export interface RecordStory {
  recordId: string
  vaccineType: string
  owner: string
  status: string
  currentVersion: number
  deleted: boolean
  lastUpdated: Date
  /** Oldest first. */
  versions: StoryVersion[]
  /** In lane order: destination, then lane number. */
  deliveries: StoryDelivery[]
  group: StoryGroup | undefined
  /** Pairs with another record that were found to be, or not to be, the same jab. */
  pairs: StoryPair[]
  /** What a register holds from others of the same event, or perhaps of it. */
  elsewhere: StoryElsewhere[]
  /** Every destination that is known, wanted or not. */
  destinations: StoryDestination[]
}

export interface StoryElsewhere {
  source: string
  /** What the register calls it. */
  remoteId: string
  outcome: 'same' | 'possible'
  rule: string
  score: number
  foundAt: Date
}

export interface StoryVersion {
  version: number
  operation: string
  supplier: string
  receivedAt: Date
  /** Why it was deleted; null when nobody said. */
  reason: string | null
  /** OperationOutcome text answered with it; null when there was nothing to say. */
  outcome: string | null
  /** Null where the codes of this version are not looked up. */
  terminology: StoryTerminology | null
}

export interface StoryTerminology {
  /** Null while something is open. */
  checkedAt: string | null
  issues: Issue[]
}

export interface StoryDelivery {
  deliveryId: string
  destination: string
  version: number
  laneSeq: number
  operation: string
  takeover: string | null
  kind: string
  state: DeliveryState
  tries: number
  crashCount: number
  class: string | null
  status: number | null
  message: string | null
  createdAt: Date
  dueAt: Date
  queuedAt: Date | null
  leaseUntil: Date | null
  finishedAt: Date | null
  /** End of the latest attempt. */
  lastAttemptAt: Date | null
  /** The delivery of another record that this one waits for; null where it waits for none. */
  successor: { deliveryId: string; recordId: string; state: DeliveryState } | null
  /** Of one that is superseded: what took its place in its lane; null where nothing did. */
  supersededBy: { version: number; operation: string; state: DeliveryState } | null
  /** Null where the receiver answers at once, or was not sent to yet. */
  acknowledgement: StoryAcknowledgement | null
}

export interface StoryAcknowledgement {
  state: AcknowledgementState
  dueAt: string | null
  infrastructureCode: string | null
  businessCode: string | null
  reason: string | null
  settledAt: string | null
}

export interface StoryGroup {
  groupId: string
  role: string
  survivorRecordId: string | null
  memberRecordIds: string[]
}

export interface StoryPair {
  recordId: string
  outcome: 'same' | 'possible' | 'distinct'
  rule: string
  score: number
  decidedBy: string
  decidedAt: Date
}

export interface StoryDestination {
  destination: string
  state: 'active' | 'paused'
  resumeAt: Date | null
  resumeReason: string | null
}

export interface OpsRecordQueries {
  findRecordStory(recordId: string): Promise<RecordStory | undefined>
}

type StoryHead = Omit<RecordStory, 'versions' | 'deliveries' | 'group' | 'pairs' | 'elsewhere' | 'destinations'>

export function createOpsRecordQueries(sql: Sql): OpsRecordQueries {
  const rowsOf = async <Row extends object>(text: string, recordId: string): Promise<Row[]> =>
    (await sql.query<Row>(text, [recordId])).rows
  return {
    async findRecordStory(recordId) {
      const head = (await rowsOf<StoryHead>(FIND_HEAD, recordId))[0]
      if (head === undefined) return undefined
      return {
        ...head,
        versions: await rowsOf<StoryVersion>(FIND_VERSIONS, recordId),
        deliveries: await rowsOf<StoryDelivery>(FIND_DELIVERIES, recordId),
        group: (await rowsOf<StoryGroup>(FIND_GROUP, recordId))[0],
        pairs: await rowsOf<StoryPair>(FIND_PAIRS, recordId),
        elsewhere: await rowsOf<StoryElsewhere>(FIND_ELSEWHERE, recordId),
        destinations: (await sql.query<StoryDestination>(FIND_DESTINATIONS)).rows
      }
    }
  }
}

const FIND_HEAD = `
select record_id as "recordId",
       vaccine_type as "vaccineType",
       owner,
       status,
       current_version as "currentVersion",
       deleted,
       last_updated as "lastUpdated"
  from record
 where record_id = $1`

const FIND_VERSIONS = `
select made.version,
       made.operation,
       made.supplier,
       made.received_at as "receivedAt",
       made.reason,
       made.outcome,
       case when looked.record_id is not null then
         json_build_object('checkedAt', looked.checked_at, 'issues', coalesce(looked.issues, '[]')::json)
       end as terminology
  from record_version made
  left join terminology_check looked on looked.record_id = made.record_id and looked.version = made.version
 where made.record_id = $1
 order by made.version`

const FIND_DELIVERIES = `
select delivery.delivery_id as "deliveryId",
       delivery.destination,
       version,
       lane_seq as "laneSeq",
       operation,
       takeover,
       kind,
       delivery.state,
       tries,
       crash_count as "crashCount",
       last_class as class,
       last_status as status,
       last_message as message,
       created_at as "createdAt",
       delivery.due_at as "dueAt",
       queued_at as "queuedAt",
       lease_until as "leaseUntil",
       finished_at as "finishedAt",
       last_attempt_at as "lastAttemptAt",
       case when said.delivery_id is not null then
         json_build_object(
           'state', said.state, 'dueAt', said.due_at, 'infrastructureCode', said.infrastructure_code,
           'businessCode', said.business_code, 'reason', said.reason, 'settledAt', said.settled_at
         )
       end as acknowledgement,
       (
         select json_build_object(
                  'deliveryId', successor.delivery_id, 'recordId', successor.record_id, 'state', successor.state
                )
           from delivery as successor
          where successor.delivery_id = delivery.successor_id
       ) as successor,
       (
         select json_build_object('version', later.version, 'operation', later.operation, 'state', later.state)
           from delivery as later
          where later.delivery_id = delivery.superseded_by
       ) as "supersededBy"
  from delivery
  left join acknowledgement said on said.delivery_id = delivery.delivery_id
 where record_id = $1
 order by delivery.destination, lane_seq`

const FIND_GROUP = `
select member.group_id as "groupId",
       member.role,
       grouped.survivor_record_id as "survivorRecordId",
       (
         select array_agg(other.record_id::text order by other.record_id)
           from event_group_member other
          where other.group_id = member.group_id
       ) as "memberRecordIds"
  from event_group_member member
  join event_group grouped using (group_id)
 where member.record_id = $1`

// Through the patient, by whom everything can be found, whichever side of the pair the record stands on.
const FIND_PAIRS = `
select case when pair.record_a = record.record_id then pair.record_b else pair.record_a end as "recordId",
       pair.outcome,
       pair.rule,
       pair.score,
       pair.decided_by as "decidedBy",
       pair.decided_at as "decidedAt"
  from record
  join pair_decision pair on pair.patient_key = record.patient_key
 where record.record_id = $1
   and record.record_id in (pair.record_a, pair.record_b)
 order by pair.decided_at, pair.record_a, pair.record_b`

const FIND_ELSEWHERE = `
select held.source, held.remote_id as "remoteId", held.outcome, held.rule, held.score, held.found_at as "foundAt"
  from event_group_member member
  join elsewhere_record held on held.group_id = member.group_id
 where member.record_id = $1
 order by held.outcome desc, held.found_at, held.remote_id`

const FIND_DESTINATIONS = `
select destination, state, resume_at as "resumeAt", resume_reason as "resumeReason"
  from destination
 order by destination`
