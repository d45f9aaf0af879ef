/* The weights of a Keras model, out of HDF5. Alone weight_file.c knows the library.
 *
 * HDF5 is a large parser that was not written for hostile files; it runs in a confined child of inkling-model (keras_child.h), never in a
 * server. What Keras does not write is refused before the library is asked for it: links that are not hard, external files, chunks and
 * filters. Two layouts: that of model.weights.h5 in a .keras file (layers/conv2d_1/vars/0) and that of a whole-model .h5 file
 * (model_weights/NAME with the attribute weight_names). Threads: one. */
#ifndef EXCHANGE_WEIGHT_FILE_H
#define EXCHANGE_WEIGHT_FILE_H

#include "core/base/buffer.h"
#include "server/exchange/keras_config.h"

enum weight_layout { WEIGHTS_OF_KERAS, WEIGHTS_OF_H5 };

struct weight_file;

/* Borrows bytes until close. STATUS_CORRUPT: no HDF5 that can be read. STATUS_NOMEM. */
enum status weight_file_open(const void *bytes, size_t n_bytes, enum weight_layout layout, struct weight_file **out_file,
                             struct error *error) MUST_CHECK;
void weight_file_close(struct weight_file *file); /* accepts NULL */
DEFINE_SCOPED(struct weight_file *, weight_file_close);

/* Append the attribute model_config of an .h5 file. STATUS_INVALID: there is none; STATUS_LIMIT, STATUS_NOMEM: out says so. */
enum status weight_file_config(struct weight_file *file, struct buffer *out, struct error *error) MUST_CHECK;

/* The layer must have exactly n weights, and they must not be those of another. STATUS_INVALID. */
enum status weight_file_count(struct weight_file *file, const struct keras_layer *layer, unsigned n, struct error *error) MUST_CHECK;

/* out = weight number at (from 0) of a layer, which Keras calls part ("kernel"); it must have these sides and be finite. STATUS_INVALID. */
enum status weight_file_read(struct weight_file *file, const struct keras_layer *layer, unsigned at, const char *part,
                             const uint64_t sides[], unsigned n_sides, float *out, struct error *error) MUST_CHECK;

#endif
