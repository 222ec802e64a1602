-- What: which delivery a delivery waits for beside its own lane, and why a record that is still kept is taken back.
-- Why: when another record of the same vaccination takes over, the receiver must have that one before it loses this one.

-- The delivery that brings the record which takes this one's place. A takeover waits until it has arrived; a withdrawal
-- that a supplier asked for also goes when it is held.
alter table delivery add column successor_id uuid;
-- Of a delete whose record is still kept: `withdrawn` is told by a deletion of its own, `replaced` by the message of the
-- successor, where that message did go.
alter table delivery add column takeover text check (takeover in ('withdrawn', 'replaced'));
alter table delivery add check (operation = 'delete' or (takeover is null and successor_id is null));
create index delivery_successor_idx on delivery (successor_id) where state = 'blocked' and successor_id is not null;
