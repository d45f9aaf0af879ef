/* The names of labels: a text file whose line L (from 0) is the category of the pictures with label L. The inside of idx_import.c. */
#ifndef APP_LABEL_NAMES_H
#define APP_LABEL_NAMES_H

#include "core/base/arena.h"

#define LABELS_MAX 256u /* a label is a byte */

struct label_names {
    const char *path;              /* NULL: no file, a label's name is its number */
    const char *names[LABELS_MAX]; /* [n_names], in the arena */
    size_t n_names;
};

/* Every line is a category: 1 to 128 bytes of UTF-8 without control characters. path is borrowed, or NULL for the numbers. The error names
 * file and line. STATUS_INVALID: a line is none, or there are more than LABELS_MAX; STATUS_NOT_FOUND, STATUS_CORRUPT, STATUS_IO,
 * STATUS_NOMEM. */
enum status label_names_read(const char *path, struct arena *arena, struct label_names *out_names, struct error *error) MUST_CHECK;

#endif
