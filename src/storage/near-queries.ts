// Statements of near-store.ts.
const COUNTS = `not record.deleted and record.status = 'completed'`

// The limit holds in each direction and before anything is filtered, so that a crowd costs no more than the limit.
export const FIND_NEAR = `
with zone as materialized (
  select *
    from json_to_recordset($1) as zone (patient_key uuid, vaccine_type text, from_day date, to_day date, day date)
), near as materialized (
  select found.record_id
    from zone
   cross join lateral (
           (
             select record_id
               from record
              where record.patient_key = zone.patient_key and record.vaccine_type = zone.vaccine_type and ${COUNTS}
                and record.occurrence_day between zone.from_day and zone.day
              order by record.occurrence_day desc, record.record_id desc
              limit $3
           )
           union all
           (
             select record_id
               from record
              where record.patient_key = zone.patient_key and record.vaccine_type = zone.vaccine_type and ${COUNTS}
                and record.occurrence_day > zone.day and record.occurrence_day <= zone.to_day
              order by record.occurrence_day, record.record_id
              limit $3
           )
           union all
           (
             select record_id
               from record
              where record.patient_key = zone.patient_key and record.vaccine_type = zone.vaccine_type and ${COUNTS}
                and record.occurrence_until - record.occurrence_from > interval '25 hours'
                and record.occurrence_day >= zone.from_day - 366 and record.occurrence_day < zone.from_day
              order by record.occurrence_day desc, record.record_id desc
              limit $3
           )
         ) found
   union
  select unnest($2::uuid[])
), wanted as materialized (
  select record_id, true as asked from near
   union all
  select mate.record_id, false
    from (
           select distinct member.group_id
             from near
             join event_group_member member using (record_id)
         ) touched
    join event_group_member mate using (group_id)
   where mate.record_id not in (select record_id from near)
)
select wanted.asked, print.record_id, record.patient_key, print.occurrence_day, print.antigens, print.features,
       record.vaccine_type, record.deleted, member.group_id,
       grouped.survivor_record_id = print.record_id as is_survivor
  from wanted
  join record using (record_id)
  join fingerprint print using (record_id)
  join event_group_member member using (record_id)
  join event_group grouped on grouped.group_id = member.group_id
 order by record.patient_key, print.occurrence_day, print.record_id`

export const FIND_IN_BLOCKS = `
select true as asked, print.record_id, record.patient_key, print.occurrence_day, print.antigens, print.features,
       record.vaccine_type, record.deleted, member.group_id,
       grouped.survivor_record_id = print.record_id as is_survivor, encode(record.block_key, 'hex') as block_key
  from (
         select distinct found.record_id
           from json_to_recordset($1) as zone (
                  block_key text, is_identified boolean, vaccine_type text, from_day date, to_day date, day date
                )
          cross join (values (false), (true)) as lane (is_identified)
          cross join lateral (
                  (
                    select record_id
                      from record
                     where record.block_key = decode(zone.block_key, 'hex')
                       and record.is_identified = lane.is_identified
                       and record.vaccine_type = zone.vaccine_type and ${COUNTS}
                       and record.occurrence_day between zone.from_day and zone.day
                     order by record.occurrence_day desc, record.record_id desc
                     limit $2
                  )
                  union all
                  (
                    select record_id
                      from record
                     where record.block_key = decode(zone.block_key, 'hex')
                       and record.is_identified = lane.is_identified
                       and record.vaccine_type = zone.vaccine_type and ${COUNTS}
                       and record.occurrence_day > zone.day and record.occurrence_day <= zone.to_day
                     order by record.occurrence_day, record.record_id
                     limit $2
                  )
                ) found
          where not (zone.is_identified and lane.is_identified)
       ) wanted
  join record using (record_id)
  join fingerprint print using (record_id)
  join event_group_member member using (record_id)
  join event_group grouped on grouped.group_id = member.group_id
 order by record.patient_key, print.occurrence_day, print.record_id`

// Vaccine types of the patient one after the other, then, of each, the event before the day, on it and after it.
export const FIND_BESIDE = `
with recursive asked as materialized (
  select * from json_to_recordset($1) as asked (patient_key uuid, day date, is_test boolean)
), kind as (
  select asked.patient_key, asked.day, asked.is_test, (
           select min(vaccine_type) from record where record.patient_key = asked.patient_key and ${COUNTS}
         ) as vaccine_type
    from asked
   union all
  select kind.patient_key, kind.day, kind.is_test, (
           select min(vaccine_type)
             from record
            where record.patient_key = kind.patient_key and record.vaccine_type > kind.vaccine_type and ${COUNTS}
         )
    from kind
   where kind.vaccine_type is not null
)
select distinct on (kind.patient_key, kind.day, kind.is_test, found.record_id)
       kind.day as asked_day, kind.is_test as asked_test, found.record_id, kind.patient_key, found.occurrence_day, kind.vaccine_type, print.antigens
  from kind
 cross join lateral (
         ${besideWhere('record.occurrence_day < kind.day', 'desc')}
         union all
         ${besideWhere('record.occurrence_day = kind.day', 'desc')}
         union all
         ${besideWhere('record.occurrence_day > kind.day', 'asc')}
       ) found
  join fingerprint print using (record_id)
 where kind.vaccine_type is not null`

function besideWhere(days: string, order: 'asc' | 'desc'): string {
  return `(
           select record.record_id, record.occurrence_day
             from record
             join event_group_member member using (record_id)
             join event_group grouped
               on grouped.group_id = member.group_id and grouped.survivor_record_id = record.record_id
            where record.patient_key = kind.patient_key and record.vaccine_type = kind.vaccine_type and ${COUNTS}
              and ${days}
              and record.record_id <> all ($2)
              and kind.is_test = exists (
                    select
                      from fingerprint
                     where fingerprint.record_id = record.record_id and fingerprint.features ->> 'isTest' is not null
                  )
            order by record.occurrence_day ${order}
            limit 1
         )`
}
