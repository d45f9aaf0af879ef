/* The members of a .keras file, which is a zip: config.json and model.weights.h5, stored or deflated. Alone keras_archive.c knows the
 * library. Threads: any. */
#ifndef EXCHANGE_KERAS_ARCHIVE_H
#define EXCHANGE_KERAS_ARCHIVE_H

#include "core/base/status.h"

struct keras_archive {
    char *config; /* JSON */
    size_t n_config;
    char *weights; /* HDF5 */
    size_t n_weights;
};

/* bytes are the whole file. Gives both members, at most KERAS_CONFIG_MAX_BYTES and weights_most bytes. STATUS_CORRUPT: no zip, or damaged;
 * STATUS_INVALID: a member is missing; STATUS_LIMIT, STATUS_NOMEM. */
enum status keras_archive_read(const void *bytes, size_t n_bytes, size_t weights_most, struct keras_archive *out_archive,
                               struct error *error) MUST_CHECK;
void keras_archive_clear(struct keras_archive *archive);
static inline void keras_archive_clear_scoped(struct keras_archive *archive)
{
    keras_archive_clear(archive);
}

#endif
