/* The architecture of a Keras 3 Sequential model, out of its config JSON (config.json of a .keras file, the attribute model_config of an
 * .h5).
 *
 * Read strictly: a layer, an option or a value that would make Keras compute something else than what stands in struct keras_layer is an
 * error that names the layer and what is understood. What only matters in training (initializers, regularizers, constraints, seeds) is
 * passed over. Threads: any. */
#ifndef EXCHANGE_KERAS_CONFIG_H
#define EXCHANGE_KERAS_CONFIG_H

#include "core/base/utf8.h"
#include "core/layers/layers.h"

#define KERAS_LAYERS_MAX       256u
#define KERAS_CONFIG_MAX_BYTES (1u << 20)

enum keras_kind {
    KERAS_CONVOLUTION,
    KERAS_POOL,
    KERAS_FLATTEN,
    KERAS_DENSE,
    KERAS_DROPOUT,
    KERAS_BATCH_NORM,
    KERAS_RELU,
    KERAS_SOFTMAX,
    KERAS_RESCALING, /* by 1/255 without an offset, first */
    KERAS_LINEAR,    /* an Activation that does nothing */
};

enum keras_activation { KERAS_ACTIVATION_LINEAR, KERAS_ACTIVATION_RELU, KERAS_ACTIVATION_SOFTMAX };

struct keras_layer {
    enum keras_kind kind;
    char name[ID_MAX_BYTES + 1]; /* without control characters and slashes */
    uint32_t number;             /* how many layers of its kind stand before it: a .keras file counts so */
    uint32_t n_out;              /* filters, units */
    uint32_t height, width;      /* kernel, window */
    bool same;
    enum keras_activation activation; /* convolution, dense */
    bool has_bias;                    /* convolution, dense */
    bool has_scale, has_shift;        /* batch norm */
    double epsilon, momentum;         /* batch norm */
};

struct keras_config {
    struct map_shape input;
    uint32_t n_layers; /* without the InputLayer */
    struct keras_layer layers[KERAS_LAYERS_MAX];
};

/* The class of a kind, for words: "Conv2D". */
const char *keras_class(enum keras_kind kind);

/* json [n_bytes], at most KERAS_CONFIG_MAX_BYTES. STATUS_INVALID, STATUS_NOMEM. */
enum status keras_config_read(const char *json, size_t n_bytes, struct keras_config *out_config, struct error *error) MUST_CHECK;

#endif
