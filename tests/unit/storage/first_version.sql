-- What the first version of inkling had written into its tables of models.
insert into model (version, state, created_at_ms, activated_at_ms, facts, reason) values
    ('a', 0, 97, null, '{}', null),
    ('b', 1, 98, 9, '{}', null),
    ('c', 2, 99, null, '{}', 'cut off');
