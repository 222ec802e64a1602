-- What: what receivers say later, into a mailbox of ours, about deliveries; the mailbox itself; an access token for all workers.
-- Why: a message that was taken may still be refused, or never be read; either must reach a person, whatever process dies.

-- One row for each delivery whose receiver answers later. States and who moves them: src/storage/acknowledgement-store.ts.
create table acknowledgement (
  delivery_id uuid primary key references delivery,
  destination text not null,
  state text not null check (state in ('awaited', 'overdue', 'positive', 'negative')),
  -- What the receiver calls the message.
  message_id text,
  -- Null while only an answer is known: it came before the sending was recorded.
  due_at timestamptz,
  infrastructure_code text,
  business_code text,
  reason text,
  answered_at timestamptz,
  -- Of a negative one: when what follows from it was done. Of an overdue one: when a person let it be.
  settled_at timestamptz,
  follow_up_id uuid references delivery,
  check (state <> 'negative' or reason is not null)
);
create index acknowledgement_due_idx on acknowledgement (destination, due_at) where state = 'awaited';
create index acknowledgement_open_idx on acknowledgement (destination)
  where state in ('overdue', 'negative') and settled_at is null;
create index acknowledgement_message_idx on acknowledgement (destination, message_id);

-- The mailbox of a destination: one process at a time looks into it.
create table inbox (
  destination text primary key,
  lease_owner text,
  lease_until timestamptz,
  next_look_at timestamptz not null default now(),
  looked_at timestamptz,
  validated_at timestamptz,
  fault text,
  failing_since timestamptz
);

-- What lay in it. A message that nobody understands is kept whole and stays there until a person has settled it.
create table inbox_message (
  destination text not null,
  message_id text not null,
  received_at timestamptz not null default now(),
  workflow_id text not null,
  sender text not null,
  -- Null for an unknown one.
  delivery_id uuid references delivery,
  -- Why it is not understood, and the message itself.
  unknown_because text,
  content text,
  settled_at timestamptz,
  settled_by text,
  acknowledged_at timestamptz,
  primary key (destination, message_id),
  check ((delivery_id is null) = (unknown_because is not null))
);
create index inbox_message_unknown_idx on inbox_message (destination) where delivery_id is null and settled_at is null;
