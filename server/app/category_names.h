/* Category names: a text file whose line N (from 0) is the name of category N. */
#ifndef APP_CATEGORY_NAMES_H
#define APP_CATEGORY_NAMES_H

#include "core/base/arena.h"

#include <stdint.h>

struct category_names {
    const char *path;   /* NULL: no file, a name is its number */
    const char **names; /* [n], in the arena */
    uint32_t n;
};

/* Every line is a category: 1 to 128 bytes of UTF-8 without control characters, plain, gzip or zstd. path is borrowed, or NULL for the
 * numbers below most. The error names file and line. STATUS_INVALID: a line is none, or there are more than most; STATUS_NOT_FOUND,
 * STATUS_CORRUPT, STATUS_IO, STATUS_NOMEM. */
enum status category_names_read(const char *path, uint32_t most, struct arena *arena, struct category_names *out_names,
                                struct error *error) MUST_CHECK;

#endif
