/* The names of an imported model's categories: lines of a file, or numbers. Threads: any. */
#ifndef EXCHANGE_CATEGORY_NAMES_H
#define EXCHANGE_CATEGORY_NAMES_H

#include "core/base/status.h"

#include <stdint.h>

struct category_names;

/* path: n lines (plain, gzip or zstd), each a category: 1 to 128 bytes of UTF-8 without control characters; none twice. NULL: "0", "1", ….
 * STATUS_INVALID: the lines are others, or n is beyond PICTURE_CATEGORIES_MAX; STATUS_NOT_FOUND, STATUS_CORRUPT, STATUS_IO, STATUS_NOMEM.
 */
enum status category_names_read(const char *path, uint32_t n, struct category_names **out_names, struct error *error) MUST_CHECK;
void category_names_destroy(struct category_names *names); /* accepts NULL */
DEFINE_SCOPED(struct category_names *, category_names_destroy);

const char *const *category_names_get(const struct category_names *names); /* [n] */

#endif
