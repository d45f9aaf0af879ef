-- name: event_insert
-- No row is changed if the event_id is there already.
insert into event (seq, event_id, user, item, type, at_ms, value, quantity, position, session_id, recommendation_id, slot, context)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
on conflict (event_id) where event_id is not null do nothing;

-- name: event_scan
select seq, user, item, type, at_ms from event order by seq;

-- name: event_of_user
select seq, user, item, type, at_ms, event_id, value, quantity, position, session_id, recommendation_id, slot, context
from event where user = ?1 and seq < ?2 order by seq desc limit ?3;

-- name: event_count
select count(*), max(coalesce((select max(seq) from event), 0), (select last_seq from store_state)) from event;

-- name: event_keep_last_seq
-- Before events are deleted: their numbers must not be given again.
update store_state set last_seq = max(last_seq, coalesce((select max(seq) from event), 0));

-- name: event_erase_user
delete from event where user = ?1;
