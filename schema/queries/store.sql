-- The store as a whole.

-- name: begin_write
begin immediate;

-- name: begin_read
begin deferred;

-- name: pin_snapshot
-- The first read fixes what a read transaction sees.
select last_seq from store_state;

-- name: commit
commit;

-- name: rollback
rollback;

-- name: integrity_check
pragma integrity_check(1);

-- name: stray_count
-- Rows that name a user, item or type that is not there.
select (select count(*) from event
        where user not between 0 and (select coalesce(max(number), -1) from user_name)
           or item not between 0 and (select coalesce(max(number), -1) from item_name)
           or type not between 0 and (select coalesce(max(number), -1) from type_name))
     + (select count(*) from item where item not in (select number from item_name))
     + (select count(*) from item_picture where item not in (select number from item_name))
     + (select count(*) from user_profile where user not in (select number from user_name));

-- name: missing_index_count
-- Indexes that build_indexes.sql makes.
select 1 - count(*) from sqlite_schema where type = 'index' and name = 'event_by_user';
