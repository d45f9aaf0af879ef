-- 1: nobody has said the item's categories; they are what a picture model saw in its picture.
alter table item add column predicted integer not null default 0 check (predicted in (0, 1));
