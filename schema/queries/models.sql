-- name: model_insert
insert into model (version, state, created_at_ms, activated_at_ms, facts, reason, kind) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
on conflict (version) do nothing;

-- name: model_find
select number, version, state, created_at_ms, activated_at_ms, facts, reason, kind from model where version = ?1;

-- name: model_find_live
select number, version, state, created_at_ms, activated_at_ms, facts, reason, kind from model where kind = ?1 and state = 1;

-- name: model_retire_live
-- The live model of the kind that the version has.
update model set state = 0 where state = 1 and kind = (select kind from model where version = ?1);

-- name: model_make_live
update model set state = 1, activated_at_ms = ?2, reason = null where version = ?1;

-- name: model_mark
update model set state = ?2, reason = ?3 where version = ?1;

-- name: model_scan
-- The long report of a model is read with the model alone.
select number, version, state, created_at_ms, activated_at_ms,
       case when json_valid(facts) then json_remove(facts, '$.report') else facts end, reason, kind
from model order by number desc;
