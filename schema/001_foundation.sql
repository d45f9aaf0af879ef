-- The first tables. Run inside one transaction together with `pragma user_version = 1` (embed.py adds it).
-- Numbers of names are dense and start at 0; other tables speak of users, items and types by number only. References are not declared: checking them
-- would cost three look-ups an event; queries/store.sql `stray_count` finds rows that break them.

pragma application_id = 1768844140; -- "inkl"

-- Names. An erased user leaves its number behind, without a name.
create table user_name (number integer primary key check (number >= 0), name text) strict;
create unique index user_name_by_name on user_name (name) where name is not null;
create table item_name (number integer primary key check (number >= 0), name text not null unique) strict;
create table type_name (number integer primary key check (number >= 0), name text not null unique) strict;

-- What users did, in the order in which it was recorded.
create table event (
    seq integer primary key,
    event_id text,
    user integer not null,
    item integer not null,
    type integer not null,
    at_ms integer not null,
    value real,
    quantity integer,
    position integer,
    session_id text,
    recommendation_id text,
    slot text,
    context text
) strict;
create unique index event_by_id on event (event_id) where event_id is not null;
-- event_by_user is made by scripts/build_indexes.sql: an import leaves it out until the end.

-- What the catalogue says. kind: 0 content, 1 product, 2 ad. categories and tags are JSON arrays, attributes a JSON object.
create table item (
    item integer primary key,
    kind integer not null check (kind between 0 and 2),
    title text,
    text text,
    currency text,
    url text,
    categories text,
    tags text,
    attributes text,
    price real,
    hidden integer not null check (hidden in (0, 1)),
    deleted integer not null check (deleted in (0, 1)),
    created_at_ms integer,
    expires_at_ms integer
) strict;

create table user_profile (
    user integer primary key,
    attributes text,
    created_at_ms integer not null,
    updated_at_ms integer not null
) strict;

-- state: 0 ready, 1 live, 2 damaged; one model at most is live. facts is a JSON object.
create table model (
    number integer primary key autoincrement,
    version text not null unique,
    state integer not null check (state between 0 and 2),
    created_at_ms integer not null,
    activated_at_ms integer,
    facts text not null,
    reason text
) strict;
create unique index model_live on model (state) where state = 1;

-- One row: what must outlive the rows that it was counted from.
create table store_state (
    only integer primary key check (only = 1),
    last_seq integer not null -- no event that is recorded later may get this number or one below it
) strict;
insert into store_state (only, last_seq) values (1, 0);
