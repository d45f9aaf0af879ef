/* A page file: bytes that appear under their name whole or not at all. Threads: any. */
#ifndef APP_PAGE_FILE_H
#define APP_PAGE_FILE_H

#include "core/base/status.h"

#include <stddef.h>

/* Write bytes to path: temporary name beside it, fsync, rename; a file of that name is replaced. STATUS_IO names the path and the reason,
 * and nothing is left behind. */
enum status page_file_write(const char *path, const char *bytes, size_t n_bytes, struct error *error) MUST_CHECK;

#endif
