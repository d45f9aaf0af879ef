-- Asked before a file is known to be ours, when its tables may not be there: these touch no table of the schema.

-- name: read_application_id
pragma application_id;

-- name: read_user_version
pragma user_version;

-- name: count_objects
select count(*) from sqlite_schema;
