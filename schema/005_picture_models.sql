-- Models of two kinds: 0 of behaviour, 1 of pictures. Of each one at most is live.
alter table model add column kind integer not null default 0 check (kind in (0, 1));
drop index model_live;
create unique index model_live on model (kind) where state = 1;
