/* The store: one data directory. DIR/inkling.db holds the rows, DIR/models the model files, DIR/lock whose turn it is to write.
 *
 * One process opens a directory for writing (an exclusive lock; a second is refused with STATUS_BUSY); any process may open it for
 * reading. A store is one connection: threads one at a time. All functions of storage/ need a store that is open for what they do;
 * those that change rows must stand between store_begin and store_commit. What was committed is on the disk (fsync) when store_commit
 * returns. After a failed write or commit: store_rollback, and the store is as before store_begin.
 * No SQL, row number or file name of the engine appears in these headers: another engine can stand behind them. */
#ifndef STORAGE_STORE_H
#define STORAGE_STORE_H

#include "core/base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum store_mode {
    STORE_WRITE, /* create the directory and schema if they are not there, take the lock, migrate, check */
    STORE_READ,  /* only read; STATUS_NOT_FOUND if there is no database yet */
};

struct store;

/* STATUS_BUSY: held by another process. STATUS_CORRUPT: not an inkling database, or damaged. STATUS_CONFLICT: written by a newer
 * version. STATUS_IO, STATUS_NOMEM. The error names the path and what to do. */
enum status store_open(const char *directory, enum store_mode mode, struct store **out_store, struct error *error) MUST_CHECK;
void store_close(struct store *store);
DEFINE_SCOPED(struct store *, store_close);

/* DIR/models; borrowed. */
const char *store_models_directory(const struct store *store);

/* A write transaction (STORE_WRITE) or one read snapshot (STORE_READ, ended by store_rollback). */
enum status store_begin(struct store *store, struct error *error) MUST_CHECK;
enum status store_commit(struct store *store, struct error *error) MUST_CHECK; /* STATUS_IO: full disk and the like; rolled back */
void store_rollback(struct store *store);

/* Fold the write-ahead log back; the writer calls it when idle and store_close does. */
void store_checkpoint(struct store *store);

/* STATUS_CORRUPT with the first finding: damage, rows that name what is not there, an index left out by a bulk import that did not end. */
enum status store_check_integrity(struct store *store, struct error *error) MUST_CHECK;

/* Import: leave out indexes that can be built at the end, and build them. A store killed in between builds them when it is opened next. */
enum status store_bulk_begin(struct store *store, struct error *error) MUST_CHECK;
enum status store_bulk_end(struct store *store, struct error *error) MUST_CHECK;

#endif
