/* A Keras model as a network of inkling's own: the same numbers come out, without softmax.
 *
 * Dropout and Rescaling go away. A batch norm right behind a convolution or dense layer is multiplied into it (layers_fold); one that
 * stands elsewhere (behind a ReLU) becomes a convolution of 1 x 1, or a dense layer behind a Flatten, whose weights are a diagonal: exact,
 * and worth a layer of C · C weights. Threads: any. */
#ifndef EXCHANGE_KERAS_NETWORK_H
#define EXCHANGE_KERAS_NETWORK_H

#include "server/exchange/weight_file.h"

struct keras_network {
    struct layers layers; /* as core/picture_model.h wants them */
    float *weights;       /* [layers.n_floats] */
};

/* STATUS_INVALID names the layer: it does not fit its map, or its place, or its weights do not fit it; or the model does not end in a
 * softmax over the units of a dense layer. STATUS_CORRUPT, STATUS_NOMEM. */
enum status keras_network_read(const struct keras_config *config, struct weight_file *file, struct keras_network *out_network,
                               struct error *error) MUST_CHECK;
void keras_network_clear(struct keras_network *network);
static inline void keras_network_clear_scoped(struct keras_network *network)
{
    keras_network_clear(network);
}

#endif
