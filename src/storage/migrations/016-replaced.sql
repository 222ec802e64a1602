-- What: finding the records that a delivery takes the place of, also once they were told of, and what a delivery follows up.
-- Why: a message that is sent once more, because its receiver refused it later, must say again which ones it replaces.

drop index delivery_successor_idx;
create index delivery_successor_idx on delivery (successor_id) where successor_id is not null;
create index acknowledgement_follow_up_idx on acknowledgement (follow_up_id) where follow_up_id is not null;
