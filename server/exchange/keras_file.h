/* The bytes of a .keras or .h5 file as a network. Parsing is keras_child.h's business wherever files come from others.
 * Threads: any, but one at a time (HDF5). */
#ifndef EXCHANGE_KERAS_FILE_H
#define EXCHANGE_KERAS_FILE_H

#include "server/exchange/keras_network.h"

#define KERAS_FILE_MAX_BYTES (1u << 30)

struct keras_file {
    char *bytes;
    size_t n_bytes;
};

/* STATUS_NOT_FOUND, STATUS_INVALID: not a file; STATUS_LIMIT, STATUS_NOMEM, STATUS_IO. */
enum status keras_file_read(const char *path, struct keras_file *out_file, struct error *error) MUST_CHECK;
void keras_file_clear(struct keras_file *file);
static inline void keras_file_clear_scoped(struct keras_file *file)
{
    keras_file_clear(file);
}

/* Which kind of file it is, its content says. STATUS_INVALID: not a model that is understood, with the reason; STATUS_CORRUPT,
 * STATUS_LIMIT, STATUS_NOMEM. */
enum status keras_file_parse(const struct keras_file *file, struct keras_network *out_network, struct error *error) MUST_CHECK;

#endif
