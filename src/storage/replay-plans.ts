// Plans: a filter resolved once into items, so that new failures cannot slip in. What is planned stays untouched.
import type { PlannedReplay, ReplayFilter, ReplayMode } from './replay.js'
import type { Sql } from './sql.js'

export interface ReplayPlanning {
  replayId: string
  actor: string
  reason: string
  filter: ReplayFilter
  /** Items at most; the filter's limit may be lower. */
  mostItems: number
  validMs: number
  /** More items than this need a second person. */
  approveAbove: number
}

/** What resend-exact would send once more. */
export interface ExactDelivery {
  destination: string
  state: string
  /** A later version was delivered or is on its way, or the record was taken back. */
  isStale: boolean
}

export interface ReplayPlans {
  /** Changes nothing but the replay and its items. Inside a transaction only. */
  plan(planning: ReplayPlanning): Promise<PlannedReplay>
  findExact(deliveryId: string): Promise<ExactDelivery | undefined>
}

export function createReplayPlans(sql: Sql): ReplayPlans {
  return {
    async plan({ replayId, actor, reason, filter, mostItems, validMs, approveAbove }) {
      // Transactions are set to look rows up by keys; a plan may go through all of a table.
      if (filter.mode !== 'retry') await sql.query(SCAN)
      const { rows } = await sql.query<Omit<PlannedReplay, 'replayId'>>(planStatement(filter.mode), [
        replayId,
        actor,
        reason,
        JSON.stringify(filter),
        filter.destination,
        filter.states,
        filter.since ?? null,
        filter.until ?? null,
        filter.class ?? null,
        Math.min(filter.limit ?? mostItems, mostItems),
        filter.vaccineTypes ?? null,
        filter.record ?? null,
        filter.delivery ?? null,
        filter.mode,
        validMs,
        approveAbove,
        filter.allowStale === true
      ])
      const summary = rows[0]
      if (!summary) throw new Error('planning a replay gave no summary')
      return { replayId, ...summary }
    },
    async findExact(deliveryId) {
      const { rows } = await sql.query<ExactDelivery>(FIND_EXACT, [deliveryId])
      return rows[0]
    }
  }
}

const SCAN = `
set local enable_seqscan = on;
set local enable_hashjoin = on`

const OF_WANTED_RECORD = `
     and ($12::uuid is null or delivery.record_id = $12)
     and (
           $11::text[] is null
           or exists (
                select
                  from record
                 where record.record_id = delivery.record_id
                   and record.vaccine_type = any ($11)
              )
         )`

const CANDIDATES: Record<ReplayMode, string> = {
  retry: `
  select delivery_id, record_id, version, state, epoch, created_at, coalesce(last_class, 'none') as class
    from delivery
   where destination = $5
     and (
           ('held' = any ($6::text[]) and state = 'held')
           or ('ready' = any ($6::text[]) and state in ('ready', 'verify') and due_at > now())
         )
     and ($7::timestamptz is null or coalesce(last_attempt_at, created_at) >= $7)
     and ($8::timestamptz is null or coalesce(last_attempt_at, created_at) < $8)
     and ($9::text is null or last_class = $9)${OF_WANTED_RECORD}`,

  'resend-latest': `
  select new_uuid_v7() as delivery_id, record_id, null::integer as version, null::text as state,
         null::integer as epoch, created_at, class
    from (
           select distinct on (delivery.record_id) delivery.record_id, delivery.created_at,
                  coalesce(delivery.last_class, 'none') as class
             from delivery
            where destination = $5
              and state = 'delivered'
              and ($7::timestamptz is null or coalesce(last_attempt_at, created_at) >= $7)
              and ($8::timestamptz is null or coalesce(last_attempt_at, created_at) < $8)
              and ($9::text is null or last_class = $9)${OF_WANTED_RECORD}
            order by delivery.record_id, delivery.lane_seq desc
         ) as reached`,

  'resend-exact': `
  select new_uuid_v7() as delivery_id, record_id, version, null::text as state, null::integer as epoch, created_at,
         coalesce(last_class, 'none') as class
    from delivery
   where delivery_id = $13
     and destination = $5`,

  backfill: `
  select new_uuid_v7() as delivery_id, record_id, null::integer as version, null::text as state,
         null::integer as epoch, occurrence_from as created_at, 'none' as class
    from record
   where not deleted
     and ($7::timestamptz is null or occurrence_from >= $7)
     and ($8::timestamptz is null or occurrence_from < $8)
     and ($11::text[] is null or vaccine_type = any ($11))
     and ($12::uuid is null or record_id = $12)
     and not exists (
           select
             from delivery
            where delivery.record_id = record.record_id
              and delivery.destination = $5
         )`
}

// Parameters that a mode does not look at are cast here, so that PostgreSQL knows their types in every mode.
function planStatement(mode: ReplayMode): string {
  return `
with given as (
  select $6::text[], $7::timestamptz, $8::timestamptz, $9::text, $11::text[], $12::uuid, $13::uuid
), candidate as (
  select *
    from (${CANDIDATES[mode]}
         ) as matching
   order by created_at, record_id
   limit $10::integer + 1
), numbered as materialized (
  select candidate.*, row_number() over (order by created_at, record_id, delivery_id)::integer as place
    from candidate
), chosen as (
  select *
    from numbered
   where place <= $10
${KEEP_CHOSEN}`
}

/** Of the replay, what is chosen into it, and what that comes to. */
const KEEP_CHOSEN = `), header as (
  insert into replay (
    replay_id, destination, created_at, actor, reason, filter, state, mode, planned, records, plan_sha256, expires_at,
    allow_stale, approval_needed
  )
  select $1, $5, now(), $2, $3, $4::jsonb, 'planned', $14, count(*), count(distinct record_id),
         sha256(
           convert_to(
             concat_ws(
               '|', $5::text, $14::text,
               string_agg(concat_ws('-', case when $14 = 'retry' then delivery_id end, record_id, version), ',' order by place)
             ),
             'UTF8'
           )
         ),
         now() + $15 * interval '1 millisecond', $17,
         case when $17 then 'stale' when count(*) > $16::integer then 'many' end
    from chosen
  returning expires_at, approval_needed
), item as (
  insert into replay_item (replay_id, delivery_id, record_id, version, planned_state, planned_epoch, place)
  select $1, delivery_id, record_id, version, state, epoch, place
    from chosen
), by_class as (
  select class, count(*) as deliveries
    from chosen
   group by class
)
select count(*)::integer as planned,
       exists (select from numbered where place > $10) as more,
       count(distinct record_id)::integer as records,
       min(created_at) as oldest,
       max(created_at) as newest,
       coalesce((select json_object_agg(class, deliveries) from by_class), '{}') as "byClass",
       (select expires_at from header) as "expiresAt",
       (select approval_needed from header) as "approvalNeeded"
  from chosen`

const FIND_EXACT = `
select destination, state,
       exists (
         select
           from delivery as other
          where other.destination = delivery.destination
            and other.record_id = delivery.record_id
            and (
                  other.version > delivery.version
                  or (other.lane_seq > delivery.lane_seq and other.operation = 'delete')
                )
            and other.state not in ('superseded', 'cancelled')
       ) as "isStale"
  from delivery
 where delivery_id = $1`
