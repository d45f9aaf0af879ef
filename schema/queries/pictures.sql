-- name: picture_put
insert or replace into item_picture (item, changed_at_ms, media_type, original, height, width, channels, pixels)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- name: picture_find
select item, changed_at_ms, media_type, original, height, width, channels, pixels from item_picture where item = ?1;

-- name: picture_scan
select item, changed_at_ms, null, null, height, width, channels, pixels from item_picture order by item;

-- name: picture_delete
delete from item_picture where item = ?1;
