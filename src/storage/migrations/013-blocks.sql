-- What: ways to the few records that a new one can be compared with, and the block of a patient who may be known under no
-- number. Why: accepting reads what lies near and never a whole patient; and a person without a number is still found.

-- Keyed hash of date of birth, family name and postcode; null where one of them is missing, and for records from before
-- this column until they are sent again.
alter table record add column block_key bytea check (length(block_key) = 16);
-- False where the sender says that the number was not traced, or gives none.
alter table record add column is_identified boolean not null default true;

create index record_near_idx on record (patient_key, vaccine_type, occurrence_day, record_id)
  where not deleted and status = 'completed';
-- A partial date is kept under its first day and stands for up to a year: longer than any day, be the clocks set back.
create index record_partial_idx on record (patient_key, vaccine_type, occurrence_day, record_id)
  where not deleted and status = 'completed' and occurrence_until - occurrence_from > interval '25 hours';
create index record_block_idx on record (block_key, is_identified, vaccine_type, occurrence_day, record_id)
  where block_key is not null and not deleted and status = 'completed';
