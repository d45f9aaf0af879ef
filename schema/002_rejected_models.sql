-- A model may be rejected: state 3. A check cannot be widened, so the table is made again; rows keep their numbers, and with AUTOINCREMENT
-- the largest of them goes on counting.
create table model_wider (
    number integer primary key autoincrement,
    version text not null unique,
    state integer not null check (state between 0 and 3), -- 0 ready, 1 live, 2 damaged, 3 rejected
    created_at_ms integer not null,
    activated_at_ms integer,
    facts text not null,
    reason text
) strict;
insert into model_wider (number, version, state, created_at_ms, activated_at_ms, facts, reason)
select number, version, state, created_at_ms, activated_at_ms, facts, reason from model;
drop table model;
alter table model_wider rename to model;
create unique index model_live on model (state) where state = 1;
