-- What: the programme files that judged a version.
-- Why: every stored verdict names the files and versions it rests on, also when they had nothing to say.

alter table record_version add column programmes text[] not null default '{}';
