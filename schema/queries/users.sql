-- name: user_put
insert or replace into user_profile (user, attributes, created_at_ms, updated_at_ms) values (?1, ?2, ?3, ?4);

-- name: user_get
select user, attributes, created_at_ms, updated_at_ms from user_profile where user = ?1;

-- name: user_erase
delete from user_profile where user = ?1;
