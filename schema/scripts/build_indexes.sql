-- Whatever an import left out. Run at every opening for writing: an import that was killed is made good here.
create index if not exists event_by_user on event (user); -- the row number, seq, is the last column of every index
