/* A data directory on the disk: making it, and holding its lock. The inside of store.c. */
#ifndef STORAGE_DIRECTORY_H
#define STORAGE_DIRECTORY_H

#include "core/base/status.h"

/* Make directory if it is not there (its parent must be), for the owner alone; an empty file of the database too, so that whatever the
 * engine makes beside it inherits the mode. */
enum status directory_make(const char *directory, const char *models, const char *database, struct error *error) MUST_CHECK;

/* Take the exclusive lock. It is held until out_lock is closed, at the latest when the process ends. STATUS_BUSY: another process holds it.
 */
enum status directory_lock(const char *directory, int *out_lock, struct error *error) MUST_CHECK;

#endif
