-- Inserting changes no row unless the number is the count so far.

-- name: user_name_insert
insert into user_name (number, name) select ?1, ?2 where ?1 = (select coalesce(max(number) + 1, 0) from user_name);

-- name: item_name_insert
insert into item_name (number, name) select ?1, ?2 where ?1 = (select coalesce(max(number) + 1, 0) from item_name);

-- name: type_name_insert
insert into type_name (number, name) select ?1, ?2 where ?1 = (select coalesce(max(number) + 1, 0) from type_name);

-- name: user_name_scan
select number, name from user_name order by number;

-- name: item_name_scan
select number, name from item_name order by number;

-- name: type_name_scan
select number, name from type_name order by number;

-- name: user_name_erase
update user_name set name = null where number = ?1;
