-- After an import, before build_indexes.sql: back to what open_write.sql says.
pragma wal_autocheckpoint = 2000;
pragma cache_size = -32768;
