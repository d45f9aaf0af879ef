-- name: item_put
insert or replace into item (item, kind, title, text, currency, url, categories, tags, attributes, price, hidden, deleted, created_at_ms, expires_at_ms,
    predicted)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15);

-- name: item_scan
select item, kind, title, text, currency, url, categories, tags, attributes, price, hidden, deleted, created_at_ms, expires_at_ms, predicted
from item order by item;
