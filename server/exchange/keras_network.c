/* First the list of layers, each tried at once so that an error can name what Keras calls it; then the weights; then the folding. */
#include "server/exchange/keras_network.h"

#include "core/base/floats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A network while it is put together. */
struct draft {
    const struct keras_config *config;
    struct layers layers;
    struct layer list[LAYERS_MAX];
    const struct keras_layer *from[LAYERS_MAX]; /* whose weights a layer has, or which it belongs to */
    uint32_t n_layers;
    bool is_flat;  /* a row of numbers in Keras; a map here may be one, too */
    bool is_ended; /* by a softmax */
};

void keras_network_clear(struct keras_network *network)
{
    free(network->weights);
    network->weights = NULL;
}

/* --- the list --- */

static struct map_shape draft_shape(const struct draft *draft)
{
    return draft->n_layers > 0 ? layers_output(&draft->layers) : draft->config->input;
}

static enum status add(struct draft *draft, const struct keras_layer *from, struct layer layer, struct error *error)
{
    struct error reason = {.detail = ""};
    if (draft->n_layers == LAYERS_MAX)
        return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s): more than %d layers are not possible here", from->name,
                    keras_class(from->kind), LAYERS_MAX);
    draft->list[draft->n_layers] = layer;
    draft->from[draft->n_layers] = from;
    if (layers_init(&draft->layers, draft->config->input, draft->list, draft->n_layers + 1, &reason) != STATUS_OK)
        return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s) is not possible here: %.120s", from->name, keras_class(from->kind),
                    reason.detail);
    draft->n_layers++;
    return STATUS_OK;
}

/* The product, and the ReLU that is its activation. */
static enum status add_product(struct draft *draft, const struct keras_layer *from, struct layer product, struct error *error)
{
    TRY(add(draft, from, product, error));
    if (from->activation == KERAS_ACTIVATION_RELU)
        TRY(add(draft, from, (struct layer){.kind = LAYER_RELU}, error));
    draft->is_ended = from->activation == KERAS_ACTIVATION_SOFTMAX;
    return STATUS_OK;
}

/* Does a batch norm here have a number for each output of the layer in front of it? Behind a convolution and a Flatten it has more. */
static bool can_fold(const struct draft *draft)
{
    enum layer_kind last = draft->n_layers > 0 ? draft->list[draft->n_layers - 1].kind : LAYER_RELU;
    return last == LAYER_DENSE || (last == LAYER_CONVOLUTION && !draft->is_flat);
}

static enum status add_norm(struct draft *draft, const struct keras_layer *from, struct error *error)
{
    struct map_shape shape = draft_shape(draft);
    struct layer norm = {.kind = LAYER_BATCH_NORM, .epsilon = (float)from->epsilon, .momentum = (float)from->momentum};
    struct layer places = {.kind = LAYER_CONVOLUTION, .n_out = shape.C, .height = 1, .width = 1};
    struct layer row = {.kind = LAYER_DENSE, .n_out = (uint32_t)map_floats(shape)};
    if (!(norm.epsilon > 0 && norm.epsilon < 1))
        return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s): its epsilon must be between 0 and 1", from->name,
                    keras_class(from->kind));
    return add(draft, from, can_fold(draft) ? norm : draft->is_flat ? row : places, error);
}

static enum status add_softmax(struct draft *draft, const struct keras_layer *from, struct error *error)
{
    if (!draft->is_flat)
        return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s): a softmax over a map is not understood, only over a dense layer's units",
                    from->name, keras_class(from->kind));
    draft->is_ended = true;
    return STATUS_OK;
}

static enum status add_layer(struct draft *draft, const struct keras_layer *from, struct error *error)
{
    bool wants_map = from->kind == KERAS_CONVOLUTION || from->kind == KERAS_POOL;
    if (draft->is_ended)
        return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s) stands behind a softmax, which must be the last", from->name,
                    keras_class(from->kind));
    if (wants_map && draft->is_flat)
        return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s) stands behind a Flatten or Dense, where no map is left", from->name,
                    keras_class(from->kind));
    if (from->kind == KERAS_DENSE && !draft->is_flat)
        return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s) stands on a map: only Dense behind a Flatten is understood", from->name,
                    keras_class(from->kind));
    switch (from->kind) {
    case KERAS_CONVOLUTION: {
        const struct layer convolution = {
            .kind = LAYER_CONVOLUTION, .n_out = from->n_out, .height = from->height, .width = from->width, .same = from->same};
        return add_product(draft, from, convolution, error);
    }
    case KERAS_DENSE: return add_product(draft, from, (struct layer){.kind = LAYER_DENSE, .n_out = from->n_out}, error);
    case KERAS_POOL: return add(draft, from, (struct layer){.kind = LAYER_POOL, .height = from->height, .width = from->width}, error);
    case KERAS_RELU: return add(draft, from, (struct layer){.kind = LAYER_RELU}, error);
    case KERAS_BATCH_NORM: return add_norm(draft, from, error);
    case KERAS_SOFTMAX: return add_softmax(draft, from, error);
    case KERAS_FLATTEN: draft->is_flat = true; return STATUS_OK;
    case KERAS_DROPOUT:
    case KERAS_RESCALING:
    case KERAS_LINEAR: break;
    }
    return STATUS_OK;
}

static enum status make_list(struct draft *draft, struct error *error)
{
    for (uint32_t l = 0; l < draft->config->n_layers; l++)
        TRY(add_layer(draft, &draft->config->layers[l], error));
    if (!draft->is_ended)
        return fail(error, STATUS_INVALID,
                    "the model does not end in a softmax, so what it answers are no probabilities: add "
                    "keras.layers.Softmax() (or activation=\"softmax\" to the last Dense) and save it again");
    enum layer_kind last = draft->n_layers > 0 ? draft->list[draft->n_layers - 1].kind : LAYER_RELU;
    if (last != LAYER_DENSE && last != LAYER_BATCH_NORM)
        return fail(error, STATUS_INVALID, "the softmax at the end does not stand right behind a Dense layer");
    return STATUS_OK;
}

/* --- the weights --- */

/* scale, shift, mean and variance [C] each, one behind the other: what Keras leaves out is as if it had not been learned. */
static enum status read_norm(struct weight_file *file, const struct keras_layer *from, uint64_t C, float *values, struct error *error)
{
    const char *const parts[] = {"gamma", "beta", "moving_mean", "moving_variance"};
    const bool is_stored[] = {from->has_scale, from->has_shift, true, true};
    unsigned n = 0;
    TRY(weight_file_count(file, from, 2u + from->has_scale + from->has_shift, error));
    for (unsigned p = 0; p < 4; p++) {
        for (uint64_t c = 0; c < C; c++)
            values[p * C + c] = p == 0 ? 1 : 0;
        if (is_stored[p])
            TRY(weight_file_read(file, from, n++, parts[p], &C, 1, values + p * C, error));
    }
    for (uint64_t c = 0; c < C; c++)
        if (values[3 * C + c] < 0)
            return fail(error, STATUS_INVALID, "layer \"%.60s\" (%s): its moving_variance has a value below 0", from->name,
                        keras_class(from->kind));
    return STATUS_OK;
}

static enum status read_product(struct weight_file *file, const struct keras_layer *from, const struct layer_place *place, float *weights,
                                struct error *error)
{
    const uint64_t kernel[] = {from->height, from->width, place->in.C, from->n_out}, matrix[] = {map_floats(place->in), from->n_out};
    const uint64_t bias[] = {from->n_out};
    bool is_dense = from->kind == KERAS_DENSE;
    TRY(weight_file_count(file, from, 1u + from->has_bias, error));
    TRY(weight_file_read(file, from, 0, "kernel", is_dense ? matrix : kernel, is_dense ? 2 : 4, weights + place->weights, error));
    return from->has_bias ? weight_file_read(file, from, 1, "bias", bias, 1, weights + place->bias, error) : STATUS_OK;
}

/* y = (x - mean) / sqrt(variance + epsilon) · scale + shift, as a product with a diagonal. */
static enum status read_diagonal(struct weight_file *file, const struct keras_layer *from, const struct layer_place *place, float *weights,
                                 struct error *error)
{
    uint64_t C = place->n_bias;
    SCOPED(memory_free) float *values = calloc(C, 4 * sizeof *values);
    if (!values)
        return fail(error, STATUS_NOMEM, "no memory for the weights");
    TRY(read_norm(file, from, C, values, error));
    for (uint64_t c = 0; c < C; c++) {
        double factor = values[c] / sqrt((double)values[3 * C + c] + from->epsilon);
        weights[place->weights + c * C + c] = (float)factor;
        weights[place->bias + c] = (float)(values[C + c] - values[2 * C + c] * factor);
    }
    return STATUS_OK;
}

static enum status read_weights(const struct draft *draft, uint32_t l, struct weight_file *file, float *weights, struct error *error)
{
    const struct layer_place *place = &draft->layers.places[l];
    const struct keras_layer *from = draft->from[l];
    enum layer_kind kind = draft->list[l].kind;
    if (kind == LAYER_BATCH_NORM) {
        size_t C = place->in.C;
        SCOPED(memory_free) float *values = calloc(C, 4 * sizeof *values);
        if (!values)
            return fail(error, STATUS_NOMEM, "no memory for the weights");
        TRY(read_norm(file, from, C, values, error));
        memcpy(weights + place->weights, values, C * sizeof *values);
        memcpy(weights + place->bias, values + C, C * sizeof *values);
        memcpy(weights + place->mean, values + 2 * C, C * sizeof *values);
        memcpy(weights + place->variance, values + 3 * C, C * sizeof *values);
        return STATUS_OK;
    }
    if (kind != LAYER_CONVOLUTION && kind != LAYER_DENSE)
        return STATUS_OK;
    return from->kind == KERAS_BATCH_NORM ? read_diagonal(file, from, place, weights, error)
                                          : read_product(file, from, place, weights, error);
}

static enum status fold(const struct draft *draft, const float *weights, struct keras_network *out_network, struct error *error)
{
    SCOPED(keras_network_clear) struct keras_network network = {.weights = aligned_floats(draft->layers.n_floats)};
    if (!network.weights)
        return fail(error, STATUS_NOMEM, "no memory for the weights");
    layers_fold(&draft->layers, weights, &network.layers, network.weights);
    for (size_t i = 0; i < network.layers.n_floats; i++)
        if (!isfinite(network.weights[i]))
            return fail(error, STATUS_INVALID, "with its batch norms multiplied in, the model has weights that are not finite");
    *out_network = network;
    network.weights = NULL;
    return STATUS_OK;
}

enum status keras_network_read(const struct keras_config *config, struct weight_file *file, struct keras_network *out_network,
                               struct error *error)
{
    SCOPED(memory_free) struct draft *draft = calloc(1, sizeof *draft);
    if (!draft)
        return fail(error, STATUS_NOMEM, "no memory for a network");
    draft->config = config;
    TRY(make_list(draft, error));
    SCOPED(memory_free) float *weights = aligned_floats(draft->layers.n_floats);
    if (!weights)
        return fail(error, STATUS_NOMEM, "no memory for the weights");
    memset(weights, 0, draft->layers.n_floats * sizeof *weights);
    for (uint32_t l = 0; l < draft->n_layers; l++)
        TRY(read_weights(draft, l, file, weights, error));
    return fold(draft, weights, out_network, error);
}
