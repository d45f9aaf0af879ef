/* What SQLite does with nothing around it: the rival of `tests/bench/run import` and `events`.
 *
 *   bare_store FILE ROWS ROWS_PER_TRANSACTION     writes rows of the shape of inkling's event table; prints rows a second
 *
 * Same journal, same fsync at every commit, same columns and indexes; ids are already numbers, nothing is parsed. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char schema[] =
    "pragma journal_mode = wal; pragma synchronous = full;"
    "create table event (seq integer primary key, event_id text, user integer not null, item integer not null, type integer not null, at_ms integer not null,"
    " value real, quantity integer, position integer, session_id text, recommendation_id text, slot text, context text) strict;"
    "create unique index event_by_id on event (event_id) where event_id is not null;"
    "create index event_by_user on event (user);";

static void check(int code, sqlite3 *database)
{
    if (code != SQLITE_OK && code != SQLITE_DONE) {
        fprintf(stderr, "bare_store: %s\n", sqlite3_errmsg(database));
        exit(1);
    }
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char *argv[])
{
    if (argc != 4)
        return 2;
    long n_rows = strtol(argv[2], NULL, 10), per_transaction = strtol(argv[3], NULL, 10);
    sqlite3 *database;
    sqlite3_stmt *insert;
    check(sqlite3_open(argv[1], &database), database);
    check(sqlite3_exec(database, schema, NULL, NULL, NULL), database);
    check(sqlite3_prepare_v2(database, "insert into event (seq, event_id, user, item, type, at_ms, value) values (?, ?, ?, ?, ?, ?, ?)", -1, &insert, NULL), database);
    double began = seconds();
    for (long row = 0; row < n_rows; row++) {
        if (row % per_transaction == 0)
            check(sqlite3_exec(database, "begin", NULL, NULL, NULL), database);
        char event_id[32];
        long user = row * 7919 % 20000;
        snprintf(event_id, sizeof event_id, "event-%ld", row);
        sqlite3_bind_int64(insert, 1, row + 1);
        sqlite3_bind_text(insert, 2, event_id, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(insert, 3, user);
        sqlite3_bind_int64(insert, 4, row * 104729 % 10000);
        sqlite3_bind_int64(insert, 5, row % 4);
        sqlite3_bind_int64(insert, 6, 1700000000000 + row);
        sqlite3_bind_double(insert, 7, 1.0);
        check(sqlite3_step(insert), database);
        check(sqlite3_reset(insert), database);
        if (row % per_transaction == per_transaction - 1 || row == n_rows - 1)
            check(sqlite3_exec(database, "commit", NULL, NULL, NULL), database);
    }
    printf("%.0f\n", (double)n_rows / (seconds() - began));
    sqlite3_finalize(insert);
    return sqlite3_close(database) != SQLITE_OK;
}
