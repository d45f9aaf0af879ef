/* A model that was trained in Keras 3 becomes inkling's newest picture model. Threads: any, but one at a time (HDF5). */
#ifndef EXCHANGE_KERAS_IMPORT_H
#define EXCHANGE_KERAS_IMPORT_H

#include "core/picture_model.h"
#include "server/exchange/keras_network.h"

#define KERAS_FILE_MAX_BYTES (1u << 30)

/* path: a .keras or .h5 file; its content says which, not its name. STATUS_INVALID: not a model that is understood, with the reason;
 * STATUS_NOT_FOUND, STATUS_CORRUPT, STATUS_LIMIT, STATUS_NOMEM, STATUS_IO. */
enum status keras_model_read(const char *path, struct keras_network *out_network, struct error *error) MUST_CHECK;

/* Read path and write it into directory/models, which is made if it is not there, as the newest model. names: a text file, one category a
 * line; NULL: the categories are "0", "1", …. Fails as keras_model_read and picture_model_write do. */
enum status keras_import(const char *directory, const char *path, const char *names, char out_version[FILE_VERSION_BYTES],
                         struct error *error) MUST_CHECK;

#endif
