-- What: which delivery a superseded one gave way to, where that is one of its own lane.
-- Why: at a destination that is sent the latest state, a version that was never sent must say which one was sent instead.

alter table delivery add column superseded_by uuid;
alter table delivery add check (superseded_by is null or state = 'superseded');
