-- What: columns and indexes for searches and type histories, and which transaction wrote a version.
-- Why: a search reads no body it does not serve; a page of a search holds what it would have held when the search began.

-- The first instant that an occurrenceDateTime stands for; a day, month or year begins at midnight in London.
create function occurrence_start(written text) returns timestamptz language sql stable as $$
  select date_trunc(
           'milliseconds',
           case length(written)
             when 4 then (written || '-01-01')::timestamp at time zone 'Europe/London'
             when 7 then (written || '-01')::timestamp at time zone 'Europe/London'
             when 10 then written::timestamp at time zone 'Europe/London'
             else written::timestamptz
           end
         )
$$;

-- The first instant after an occurrence: it stands for a span of time too.
alter table record add column occurrence_until timestamptz;
alter table record add column lot_number text;
update record
   set occurrence_until = coalesce(
         case length(last.body ->> 'occurrenceDateTime')
           when 4 then (kept.occurrence_from at time zone 'Europe/London' + interval '1 year') at time zone 'Europe/London'
           when 7 then (kept.occurrence_from at time zone 'Europe/London' + interval '1 month') at time zone 'Europe/London'
           when 10 then (kept.occurrence_from at time zone 'Europe/London' + interval '1 day') at time zone 'Europe/London'
         end,
         kept.occurrence_from + interval '1 millisecond'
       ),
       lot_number = last.body ->> 'lotNumber'
  from record kept
  left join lateral (
         select body::json as body
           from record_version
          where record_version.record_id = kept.record_id and body is not null
          order by version desc
          limit 1
       ) last on true
 where kept.record_id = record.record_id;
alter table record alter occurrence_until set not null;

-- Null for versions that are older than this column: every snapshot sees them.
alter table record_version add column written_by xid8;
alter table record_version alter written_by set default pg_current_xact_id();

create index record_version_received_idx on record_version (received_at);
create index record_version_supplier_idx on record_version (supplier, received_at);
