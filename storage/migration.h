/* Bringing a database to the newest version of the schema. The inside of store.c. */
#ifndef STORAGE_MIGRATION_H
#define STORAGE_MIGRATION_H

#include "storage/store.h"

/* Is the open file ours, and of which version? 0: an empty file. STATUS_CORRUPT: foreign; STATUS_CONFLICT: newer than this program. Changes
 * nothing. */
enum status migration_check(struct store *store, unsigned *out_version, struct error *error) MUST_CHECK;

/* From version to the newest, each step in a transaction of its own. */
enum status migration_run(struct store *store, unsigned version, struct error *error) MUST_CHECK;

#endif
