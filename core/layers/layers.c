/* One walk along the list gives every layer its maps and its place; everything else reads these. */
#include "core/layers/layers.h"

#include "core/base/random.h"

#include <math.h>
#include <string.h>

static const char *const kind_names[] = {"convolution", "dense", "pool", "relu", "batch norm", "dropout"};

static bool is_product(const struct layer *layer)
{
    return layer->kind == LAYER_CONVOLUTION || layer->kind == LAYER_DENSE;
}

/* n floats at the end of the array. */
static size_t reserve(struct layers *layers, size_t n)
{
    size_t first = layers->n_floats;
    layers->n_floats += (n + 15) / 16 * 16;
    return first;
}

static bool is_within(uint64_t value, uint64_t least, uint64_t most)
{
    return value >= least && value <= most;
}

/* NULL, or what is wrong with the layer's own numbers behind a map of this shape. */
static const char *find_fault(const struct layer *layer, struct map_shape in)
{
    if (is_product(layer) && !is_within(layer->n_out, 1, MAP_CHANNELS_MAX))
        return "has no outputs, or too many";
    if (layer->kind == LAYER_CONVOLUTION || layer->kind == LAYER_POOL) {
        bool is_inside = is_within(layer->height, 1, in.H) && is_within(layer->width, 1, in.W);
        if (!is_inside && !(layer->kind == LAYER_CONVOLUTION && layer->same && layer->height >= 1 && layer->width >= 1))
            return "is larger than its map";
        if (!is_within(layer->height, 1, MAP_SIDE_MAX) || !is_within(layer->width, 1, MAP_SIDE_MAX))
            return "has a side beyond 4096";
    }
    if (layer->kind == LAYER_CONVOLUTION && layer->same && (layer->height % 2 == 0 || layer->width % 2 == 0))
        return "has an even side, which same does not allow";
    if (layer->kind == LAYER_POOL && layer->height * layer->width > 256)
        return "has windows of more than 256 places";
    if (layer->kind == LAYER_DROPOUT && !(layer->rate >= 0 && layer->rate <= 0.98f))
        return "has a rate that is not from 0 to 0.98";
    if (layer->kind == LAYER_BATCH_NORM && !(layer->epsilon > 0 && layer->epsilon < 1 && layer->momentum >= 0 && layer->momentum <= 1))
        return "has an epsilon that is not between 0 and 1, or a momentum that is not from 0 to 1";
    return NULL;
}

static struct map_shape output_of(const struct layer *layer, struct map_shape in)
{
    switch (layer->kind) {
    case LAYER_CONVOLUTION:
        if (layer->same)
            return (struct map_shape){in.H, in.W, layer->n_out};
        return (struct map_shape){in.H - layer->height + 1, in.W - layer->width + 1, layer->n_out};
    case LAYER_DENSE: return (struct map_shape){1, 1, layer->n_out};
    case LAYER_POOL: return (struct map_shape){in.H / layer->height, in.W / layer->width, in.C};
    case LAYER_RELU:
    case LAYER_BATCH_NORM:
    case LAYER_DROPOUT: break;
    }
    return in;
}

static void place_weights(struct layers *layers, const struct layer *layer, struct layer_place *place)
{
    if (is_product(layer)) {
        size_t n_inputs = layer->kind == LAYER_DENSE ? map_floats(place->in) : (size_t)layer->height * layer->width * place->in.C;
        place->n_weights = n_inputs * layer->n_out;
        place->n_bias = layer->n_out;
    } else if (layer->kind == LAYER_BATCH_NORM) {
        place->n_weights = place->n_bias = place->in.C;
        place->mean = reserve(layers, place->in.C);
        place->variance = reserve(layers, place->in.C);
    }
    place->weights = reserve(layers, place->n_weights);
    place->bias = reserve(layers, place->n_bias);
}

enum status layers_init(struct layers *layers, struct map_shape input, const struct layer list[], uint32_t n_layers, struct error *error)
{
    *layers = (struct layers){.input = input, .n_layers = n_layers};
    if (!is_within(n_layers, 1, LAYERS_MAX))
        return fail(error, STATUS_INVALID, "%u layers; 1 to %d are possible", n_layers, LAYERS_MAX);
    if (!is_within(input.H, 1, MAP_SIDE_MAX) || !is_within(input.W, 1, MAP_SIDE_MAX) || !is_within(input.C, 1, MAP_CHANNELS_MAX))
        return fail(error, STATUS_INVALID, "an input of %u x %u x %u is out of its limits", input.H, input.W, input.C);
    struct map_shape shape = input;
    for (uint32_t l = 0; l < n_layers; l++) {
        struct layer_place *place = &layers->places[l];
        const char *fault = find_fault(&list[l], shape);
        layers->layers[l] = list[l];
        if (fault)
            return fail(error, STATUS_INVALID, "layer %u: the %s %s (its map is %u x %u x %u)", l + 1, kind_names[list[l].kind], fault,
                        shape.H, shape.W, shape.C);
        place->in = shape;
        shape = place->out = output_of(&list[l], shape);
        place_weights(layers, &list[l], place);
        if (map_floats(shape) > MAP_FLOATS_MAX || layers->n_floats > MAP_FLOATS_MAX)
            return fail(error, STATUS_INVALID, "layer %u: the %s makes the network larger than %u numbers", l + 1, kind_names[list[l].kind],
                        MAP_FLOATS_MAX);
    }
    return STATUS_OK;
}

struct map_shape layers_output(const struct layers *layers)
{
    return layers->places[layers->n_layers - 1].out;
}

/* Inputs and outputs of one weight of a convolution are counted with its kernel, as Keras does. */
static float start_bound(const struct layer *layer, const struct layer_place *place)
{
    double n_places = layer->kind == LAYER_DENSE ? 1 : (double)layer->height * layer->width;
    double n_inputs = (double)place->n_weights / layer->n_out, n_outputs = n_places * layer->n_out;
    return (float)sqrt(6 / (n_inputs + n_outputs));
}

void layers_start(const struct layers *layers, uint64_t seed, float weights[])
{
    memset(weights, 0, layers->n_floats * sizeof *weights);
    for (uint32_t l = 0; l < layers->n_layers; l++) {
        const struct layer *layer = &layers->layers[l];
        const struct layer_place *place = &layers->places[l];
        struct random random;
        random_init(&random, seed, UINT64_C(0x4C41000000000000) | l);
        if (is_product(layer)) {
            float bound = start_bound(layer, place);
            for (size_t i = 0; i < place->n_weights; i++)
                weights[place->weights + i] = bound * (2 * random_uniform(&random) - 1);
        } else if (layer->kind == LAYER_BATCH_NORM) {
            for (uint32_t c = 0; c < place->in.C; c++)
                weights[place->weights + c] = weights[place->variance + c] = 1;
        }
    }
}

/* w and bias of the product in front of a batch norm, with the norm in them. */
static void fold_norm(const struct layer_place *norm, float epsilon, const float weights[], const struct layer_place *product,
                      float folded[])
{
    uint32_t O = norm->in.C;
    for (uint32_t o = 0; o < O; o++) {
        float factor = weights[norm->weights + o] / sqrtf(weights[norm->variance + o] + epsilon);
        for (size_t i = o; i < product->n_weights; i += O)
            folded[product->weights + i] *= factor;
        folded[product->bias + o] = (folded[product->bias + o] - weights[norm->mean + o]) * factor + weights[norm->bias + o];
    }
}

void layers_fold(const struct layers *layers, const float weights[], struct layers *out_folded, float folded_weights[])
{
    struct layer list[LAYERS_MAX];
    int from[LAYERS_MAX]; /* which layer it was */
    uint32_t n = 0;
    struct error never = {0};
    for (uint32_t l = 0; l < layers->n_layers; l++) {
        enum layer_kind kind = layers->layers[l].kind;
        bool is_folded = kind == LAYER_BATCH_NORM && l > 0 && is_product(&layers->layers[l - 1]);
        if (kind == LAYER_DROPOUT || is_folded)
            continue;
        from[n] = (int)l;
        list[n++] = layers->layers[l];
    }
    if (n == 0 || layers_init(out_folded, layers->input, list, n, &never) != STATUS_OK) { /* nothing but dropout: nothing is left to fold */
        *out_folded = *layers;
        memcpy(folded_weights, weights, layers->n_floats * sizeof *weights);
        return;
    }
    memset(folded_weights, 0, out_folded->n_floats * sizeof *folded_weights);
    for (uint32_t l = 0; l < n; l++) {
        const struct layer_place *old = &layers->places[from[l]], *fresh = &out_folded->places[l];
        memcpy(folded_weights + fresh->weights, weights + old->weights, old->n_weights * sizeof *weights);
        memcpy(folded_weights + fresh->bias, weights + old->bias, old->n_bias * sizeof *weights);
        if (list[l].kind == LAYER_BATCH_NORM) {
            memcpy(folded_weights + fresh->mean, weights + old->mean, old->in.C * sizeof *weights);
            memcpy(folded_weights + fresh->variance, weights + old->variance, old->in.C * sizeof *weights);
        }
        uint32_t next = (uint32_t)from[l] + 1;
        if (is_product(&list[l]) && next < layers->n_layers && layers->layers[next].kind == LAYER_BATCH_NORM)
            fold_norm(&layers->places[next], layers->layers[next].epsilon, weights, fresh, folded_weights);
    }
}

struct convolution layer_convolution(const struct layer *layer, const struct layer_place *place, size_t B)
{
    if (layer->kind == LAYER_DENSE)
        return (struct convolution){.B = 1, .H = 1, .W = B, .C = map_floats(place->in), .O = layer->n_out, .KH = 1, .KW = 1};
    return (struct convolution){.B = B,
                                .H = place->in.H,
                                .W = place->in.W,
                                .C = place->in.C,
                                .O = layer->n_out,
                                .KH = layer->height,
                                .KW = layer->width,
                                .same = layer->same};
}

struct pooling layer_pooling(const struct layer *layer, const struct layer_place *place, size_t B)
{
    return (struct pooling){B, place->in.H, place->in.W, place->in.C, layer->height, layer->width};
}

double layers_flops(const struct layers *layers)
{
    double flops = 0;
    for (uint32_t l = 0; l < layers->n_layers; l++) {
        const struct layer_place *place = &layers->places[l];
        if (is_product(&layers->layers[l]))
            flops += 2.0 * (double)place->n_weights * place->out.H * place->out.W;
    }
    return flops;
}
