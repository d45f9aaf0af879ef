/* Layers: a feed-forward network over pictures or words as a list, one layer behind the other, and where the weights of each stand.
 *
 * A layer maps a map [H, W, C] (core/kernels/maps.h) to the next; a dense layer takes any map as one row of H · W · C numbers and gives
 * [1, 1, units]. All weights stand in one array of floats, each tensor at a multiple of 16 floats. Layouts are those of Keras: a
 * convolution's weights are [KH, KW, C, O], a dense layer's [inputs, units], with the inputs of a map in the order H, W, C.
 * Pure functions. Threads: any. */
#ifndef LAYERS_LAYERS_H
#define LAYERS_LAYERS_H

#include "core/base/status.h"
#include "core/kernels/maps.h"

#define LAYERS_MAX 64

/* Limits of a sane network. */
#define MAP_SIDE_MAX     4096u
#define MAP_CHANNELS_MAX 65536u
#define MAP_FLOATS_MAX   (1u << 26)

enum layer_kind { LAYER_CONVOLUTION, LAYER_DENSE, LAYER_POOL, LAYER_RELU, LAYER_BATCH_NORM, LAYER_DROPOUT };

struct map_shape {
    uint32_t H, W, C;
};

struct layer {
    enum layer_kind kind;
    uint32_t n_out;          /* channels of a convolution, units of a dense layer */
    uint32_t height, width;  /* of a convolution's kernel, of a pool's windows */
    bool same;               /* a convolution with zeros around: its output is as large as its input */
    float rate;              /* dropout: how much is dropped, in training only */
    float epsilon, momentum; /* batch norm; while training, running = momentum · running + (1 - momentum) · the batch's */
};

/* Where a layer stands: its maps, and its weights in the array of floats. */
struct layer_place {
    struct map_shape in, out;
    size_t weights, n_weights; /* convolution, dense: w;  batch norm: the scale [C] */
    size_t bias, n_bias;       /* convolution, dense: the bias;  batch norm: the shift [C] */
    size_t mean, variance;     /* batch norm: running [C] each, not trained */
};

struct layers {
    struct map_shape input;
    uint32_t n_layers;
    struct layer layers[LAYERS_MAX];
    struct layer_place places[LAYERS_MAX];
    size_t n_floats; /* of all weights, gaps included */
};

/* STATUS_INVALID names the layer (from 1) and what is wrong: a size out of its limits, a kernel or window larger than its map, an even
 * kernel with same. */
enum status layers_init(struct layers *layers, struct map_shape input, const struct layer list[], uint32_t n_layers,
                        struct error *error) MUST_CHECK;

struct map_shape layers_output(const struct layers *layers);

static inline size_t map_floats(struct map_shape shape)
{
    return (size_t)shape.H * shape.W * shape.C;
}

/* weights [n_floats] = what training starts with: uniform in ± sqrt(6 / (inputs + outputs)) (Glorot, Bengio 2010, equation 16; the default
 * of Keras), biases 0, scales 1, running mean 0 and variance 1. A stream of random numbers for every layer. */
void layers_start(const struct layers *layers, uint64_t seed, float weights[]);

/* The same network without dropout and without the batch norms that stand right behind a convolution or a dense layer: those are multiplied
 * into its weights. folded_weights [as folded says, at most n_floats]. */
void layers_fold(const struct layers *layers, const float weights[], struct layers *out_folded, float folded_weights[]);

/* The convolution of a convolution or dense layer over B samples. A dense layer's inputs are the channels of a row of B places. */
struct convolution layer_convolution(const struct layer *layer, const struct layer_place *place, size_t B);
struct pooling layer_pooling(const struct layer *layer, const struct layer_place *place, size_t B);

/* Floating-point operations of one sample's way forward, a multiplication and an addition counted as two; products alone. */
double layers_flops(const struct layers *layers);

#endif
