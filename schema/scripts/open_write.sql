-- Run when a store is opened for writing, after it is known to be ours: the first of these changes the file.
pragma journal_mode = wal;
pragma synchronous = full;         -- a commit is on the disk when it returns
pragma wal_autocheckpoint = 2000;  -- pages
pragma journal_size_limit = 67108864;
pragma cache_size = -32768;        -- KiB
pragma temp_store = file;          -- what is sorted (an index over all events) may be larger than memory: beyond cache_size it goes to a file
