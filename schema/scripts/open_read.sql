-- Run when a store is opened for reading.
pragma query_only = on;
pragma cache_size = -8192; -- KiB
pragma temp_store = memory;
