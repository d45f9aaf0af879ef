/* A step is one layer at its turn; whose result is written in the place of its input shares the input's buffer. */
#include "core/layers/layer_pass.h"

#include "core/base/floats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The parts' figures of a batch norm: mean, variance, inverse, and in backward the slopes of scale and shift. */
struct norm_part {
    float *mean, *variance, *inverse, *dscale, *dshift; /* [C] each */
};

struct step {
    uint32_t layer;
    uint32_t in, out;       /* buffers; the same: in place */
    struct map_shape shape; /* of what comes in */
    uint8_t *at;            /* pool: [samples, outputs] */
    float *keep, *z;        /* dropout, batch norm: [samples, floats] */
    struct norm_part parts[LAYER_PARTS];
};

struct layer_pass {
    const struct layers *layers;
    const struct map_kernels *kernels;
    const struct kernels *products;
    uint32_t n_steps, n_buffers, max_samples, first_product; /* step; nothing in front of it needs a slope */
    struct step steps[LAYERS_MAX];
    size_t n_floats[LAYERS_MAX + 1]; /* of a sample in each buffer */
    float *values[LAYERS_MAX + 1], *slopes[LAYERS_MAX + 1];
    float *memory, *workspace;
    uint8_t *bytes;
    size_t n_workspace; /* floats for each worker */
};

void layer_pass_destroy(struct layer_pass *pass)
{
    if (!pass)
        return;
    free(pass->memory);
    free(pass->bytes);
    free(pass);
}

/* --- the plan --- */

static bool is_in_place(enum layer_kind kind)
{
    return kind == LAYER_RELU || kind == LAYER_DROPOUT;
}

/* The layers in the order they are run: a ReLU behind the pool that follows it. */
static void order_steps(struct layer_pass *pass)
{
    const struct layers *layers = pass->layers;
    pass->n_steps = layers->n_layers;
    for (uint32_t l = 0; l < layers->n_layers; l++)
        pass->steps[l].layer = l;
    for (uint32_t l = 0; l + 1 < layers->n_layers; l++) {
        if (layers->layers[l].kind == LAYER_RELU && layers->layers[l + 1].kind == LAYER_POOL) {
            pass->steps[l].layer = l + 1;
            pass->steps[l + 1].layer = l;
            l++;
        }
    }
}

static void plan_steps(struct layer_pass *pass)
{
    struct map_shape shape = pass->layers->input;
    order_steps(pass);
    pass->n_buffers = 1;
    pass->n_floats[0] = map_floats(shape);
    pass->first_product = pass->n_steps;
    for (uint32_t s = 0; s < pass->n_steps; s++) {
        struct step *step = &pass->steps[s];
        enum layer_kind kind = pass->layers->layers[step->layer].kind;
        step->shape = shape;
        step->in = step->out = pass->n_buffers - 1;
        if ((kind == LAYER_CONVOLUTION || kind == LAYER_DENSE || kind == LAYER_BATCH_NORM) && s < pass->first_product)
            pass->first_product = s;
        if (is_in_place(kind))
            continue;
        shape = pass->layers->places[step->layer].out;
        step->out = pass->n_buffers++;
        pass->n_floats[step->out] = map_floats(shape);
    }
}

/* --- memory --- */

struct taker {
    float *memory;
    size_t n_floats;
    uint8_t *bytes;
    size_t n_bytes;
};

static float *take_floats(struct taker *taker, size_t n)
{
    float *piece = taker->memory ? taker->memory + taker->n_floats : NULL;
    taker->n_floats += (n + 15) / 16 * 16;
    return piece;
}

static void place_norm(struct taker *taker, struct step *step)
{
    for (unsigned p = 0; p < LAYER_PARTS; p++) {
        struct norm_part *part = &step->parts[p];
        part->mean = take_floats(taker, step->shape.C);
        part->variance = take_floats(taker, step->shape.C);
        part->inverse = take_floats(taker, step->shape.C);
        part->dscale = take_floats(taker, step->shape.C);
        part->dshift = take_floats(taker, step->shape.C);
    }
}

static void place_step(struct layer_pass *pass, struct taker *taker, struct step *step, bool is_training)
{
    const struct layer *layer = &pass->layers->layers[step->layer];
    size_t samples = pass->max_samples, n_work = 0;
    if (layer->kind == LAYER_POOL) { /* at is written in inference too */
        step->at = taker->bytes ? taker->bytes + taker->n_bytes : NULL;
        taker->n_bytes += samples * pass->n_floats[step->out];
    } else if (layer->kind == LAYER_CONVOLUTION) {
        struct convolution conv = layer_convolution(layer, &pass->layers->places[step->layer], 1);
        n_work = convolution_floats(&conv);
    } else if (layer->kind == LAYER_BATCH_NORM) {
        n_work = 2 * step->shape.C;
    }
    if (is_training && layer->kind == LAYER_DROPOUT)
        step->keep = take_floats(taker, samples * pass->n_floats[step->in]);
    if (is_training && layer->kind == LAYER_BATCH_NORM) {
        step->z = take_floats(taker, samples * pass->n_floats[step->out]);
        place_norm(taker, step);
    }
    n_work = (n_work + 15) / 16 * 16;
    pass->n_workspace = n_work > pass->n_workspace ? n_work : pass->n_workspace;
}

static void place(struct layer_pass *pass, struct taker *taker, bool is_training, unsigned n_workers)
{
    for (uint32_t b = 0; b < pass->n_buffers; b++) {
        pass->values[b] = take_floats(taker, pass->max_samples * pass->n_floats[b]);
        if (is_training)
            pass->slopes[b] = take_floats(taker, pass->max_samples * pass->n_floats[b]);
    }
    for (uint32_t s = 0; s < pass->n_steps; s++)
        place_step(pass, taker, &pass->steps[s], is_training);
    pass->workspace = take_floats(taker, pass->n_workspace * n_workers);
}

enum status layer_pass_create(const struct layers *layers, uint32_t max_samples, bool is_training, unsigned n_workers,
                              struct layer_pass **out_pass)
{
    SCOPED(layer_pass_destroy) struct layer_pass *pass = calloc(1, sizeof *pass);
    if (!pass)
        return STATUS_NOMEM;
    pass->layers = layers;
    pass->kernels = map_kernels_fast();
    pass->products = kernels_exact();
    pass->max_samples = max_samples;
    plan_steps(pass);
    struct taker counted = {0};
    place(pass, &counted, is_training, n_workers);
    pass->memory = aligned_floats(counted.n_floats);
    pass->bytes = malloc(counted.n_bytes + 1);
    if (!pass->memory || !pass->bytes)
        return STATUS_NOMEM;
    struct taker taker = {.memory = pass->memory, .bytes = pass->bytes};
    place(pass, &taker, is_training, n_workers);
    *out_pass = pass;
    pass = NULL;
    return STATUS_OK;
}

float *layer_pass_input(struct layer_pass *pass)
{
    return pass->values[0];
}

const float *layer_pass_output(const struct layer_pass *pass)
{
    return pass->values[pass->n_buffers - 1];
}

const float *layer_pass_vector(const struct layer_pass *pass)
{
    return pass->values[pass->steps[pass->n_steps - 1].in];
}

float *layer_pass_slopes(struct layer_pass *pass)
{
    return pass->slopes[pass->n_buffers - 1];
}

static float *value_at(const struct layer_pass *pass, uint32_t buffer, uint32_t sample)
{
    return pass->values[buffer] + sample * pass->n_floats[buffer];
}

static float *slope_at(const struct layer_pass *pass, uint32_t buffer, uint32_t sample)
{
    return pass->slopes[buffer] + sample * pass->n_floats[buffer];
}

/* --- forward --- */

/* A batch norm with running figures is a factor and a shift for each channel. */
static void apply_norm(const struct layer *layer, const struct layer_place *place, const float *weights, float *factors, float *y,
                       const float *x, size_t n_rows)
{
    uint32_t C = place->in.C;
    for (uint32_t c = 0; c < C; c++) {
        factors[c] = weights[place->weights + c] / sqrtf(weights[place->variance + c] + layer->epsilon);
        factors[C + c] = weights[place->bias + c] - weights[place->mean + c] * factors[c];
    }
    for (size_t n = 0; n < n_rows; n++)
        for (uint32_t c = 0; c < C; c++)
            y[n * C + c] = x[n * C + c] * factors[c] + factors[C + c];
}

static void norm_forward(const struct layer_pass *pass, const struct step *step, const float *weights, struct sample_range range)
{
    const struct layer *layer = &pass->layers->layers[step->layer];
    const struct layer_place *place = &pass->layers->places[step->layer];
    const struct norm_part *part = &step->parts[range.part];
    size_t n_rows = (size_t)range.n * step->shape.H * step->shape.W;
    if (n_rows)
        pass->kernels->batch_norm(value_at(pass, step->out, range.first), step->z + range.first * pass->n_floats[step->out], part->mean,
                                  part->variance, part->inverse, value_at(pass, step->in, range.first), weights + place->weights,
                                  weights + place->bias, layer->epsilon, n_rows, step->shape.C);
}

static void drop(const struct layer_pass *pass, const struct step *step, struct sample_range range, struct random *random)
{
    const struct layer *layer = &pass->layers->layers[step->layer];
    size_t n = range.n * pass->n_floats[step->in];
    float *keep = step->keep + range.first * pass->n_floats[step->in], *y = value_at(pass, step->in, range.first);
    pass->products->dropout_mask(keep, n, layer->rate, random);
    for (size_t i = 0; i < n; i++)
        y[i] *= keep[i];
}

/* random NULL: inference. */
static void run_step(const struct layer_pass *pass, const struct step *step, const float *weights, struct sample_range range,
                     struct random *random, float *workspace)
{
    const struct layer *layer = &pass->layers->layers[step->layer];
    const struct layer_place *place = &pass->layers->places[step->layer];
    const float *x = value_at(pass, step->in, range.first);
    float *y = value_at(pass, step->out, range.first);
    switch (layer->kind) {
    case LAYER_CONVOLUTION:
    case LAYER_DENSE: {
        struct convolution conv = layer_convolution(layer, place, range.n);
        pass->kernels->convolve(y, x, weights + place->weights, weights + place->bias, &conv, workspace);
        break;
    }
    case LAYER_POOL: {
        struct pooling pooling = layer_pooling(layer, place, range.n);
        pass->kernels->pool(y, step->at + range.first * pass->n_floats[step->out], x, &pooling);
        break;
    }
    case LAYER_RELU: pass->kernels->relu(y, range.n * pass->n_floats[step->out]); break;
    case LAYER_BATCH_NORM:
        if (random)
            norm_forward(pass, step, weights, range);
        else
            apply_norm(layer, place, weights, workspace, y, x, (size_t)range.n * step->shape.H * step->shape.W);
        break;
    case LAYER_DROPOUT:
        if (random)
            drop(pass, step, range, random);
        break;
    }
}

void layer_pass_infer(struct layer_pass *pass, const float *weights, struct sample_range range, unsigned worker)
{
    layer_pass_forward(pass, weights, range, NULL, worker);
}

void layer_pass_forward(struct layer_pass *pass, const float *weights, struct sample_range range, struct random *random, unsigned worker)
{
    for (uint32_t s = 0; s < pass->n_steps; s++)
        run_step(pass, &pass->steps[s], weights, range, random, pass->workspace + worker * pass->n_workspace);
}

/* --- backward --- */

static void norm_backward(const struct layer_pass *pass, const struct step *step, const float *weights, struct sample_range range)
{
    const struct layer_place *place = &pass->layers->places[step->layer];
    const struct norm_part *part = &step->parts[range.part];
    size_t n_rows = (size_t)range.n * step->shape.H * step->shape.W, C = step->shape.C;
    memset(part->dscale, 0, C * sizeof *part->dscale);
    memset(part->dshift, 0, C * sizeof *part->dshift);
    if (n_rows)
        pass->kernels->batch_norm_backward(slope_at(pass, step->in, range.first), part->dscale, part->dshift,
                                           slope_at(pass, step->out, range.first), step->z + range.first * pass->n_floats[step->out],
                                           part->inverse, weights + place->weights, n_rows, C);
}

static void turn_back(const struct layer_pass *pass, const struct step *step, const float *weights, struct sample_range range,
                      float *workspace)
{
    const struct layer *layer = &pass->layers->layers[step->layer];
    const struct layer_place *place = &pass->layers->places[step->layer];
    float *dx = slope_at(pass, step->in, range.first), *dy = slope_at(pass, step->out, range.first);
    switch (layer->kind) {
    case LAYER_CONVOLUTION: {
        struct convolution conv = layer_convolution(layer, place, range.n);
        pass->kernels->convolve_backward_input(dx, dy, weights + place->weights, &conv, workspace);
        break;
    }
    case LAYER_DENSE:
        pass->products->product(PRODUCT_NT, dx, dy, weights + place->weights, range.n, map_floats(place->in), layer->n_out, false);
        break;
    case LAYER_POOL: {
        struct pooling pooling = layer_pooling(layer, place, range.n);
        pass->kernels->pool_backward(dx, dy, step->at + range.first * pass->n_floats[step->out], &pooling);
        break;
    }
    case LAYER_RELU: pass->kernels->relu_backward(dy, value_at(pass, step->out, range.first), range.n * pass->n_floats[step->out]); break;
    case LAYER_BATCH_NORM: norm_backward(pass, step, weights, range); break;
    case LAYER_DROPOUT:
        for (size_t i = 0; i < range.n * pass->n_floats[step->in]; i++)
            dy[i] *= step->keep[range.first * pass->n_floats[step->in] + i];
        break;
    }
}

void layer_pass_backward(struct layer_pass *pass, const float *weights, struct sample_range range, unsigned worker)
{
    float *workspace = pass->workspace + worker * pass->n_workspace;
    for (uint32_t s = pass->n_steps; s-- > 0 && s >= pass->first_product;) {
        const struct step *step = &pass->steps[s];
        if (s > pass->first_product || pass->layers->layers[step->layer].kind == LAYER_BATCH_NORM)
            turn_back(pass, step, weights, range, workspace);
    }
}

static const struct step *step_of(const struct layer_pass *pass, uint32_t layer)
{
    const struct step *step = pass->steps;
    while (step->layer != layer)
        step++;
    return step;
}

void layer_pass_gradients(struct layer_pass *pass, uint32_t layer, struct rows rows, uint32_t n, unsigned n_parts, float *gradients,
                          unsigned worker)
{
    const struct step *step = step_of(pass, layer);
    const struct layer_place *place = &pass->layers->places[layer];
    if (pass->layers->layers[layer].kind == LAYER_BATCH_NORM) {
        for (unsigned p = 0; p < n_parts; p++) {
            pass->products->accumulate(gradients + place->weights, step->parts[p].dscale, place->n_weights);
            pass->products->accumulate(gradients + place->bias, step->parts[p].dshift, place->n_bias);
        }
        return;
    }
    struct convolution conv = layer_convolution(&pass->layers->layers[layer], place, n);
    const float *dy = slope_at(pass, step->out, 0);
    pass->kernels->convolve_backward_weights(gradients + place->weights, dy, value_at(pass, step->in, 0), &conv, rows,
                                             pass->workspace + worker * pass->n_workspace);
    if (rows.first == 0)
        pass->kernels->sum_rows(gradients + place->bias, dy, (size_t)n * place->out.H * place->out.W, place->out.C);
}

void layer_pass_note_norms(const struct layer_pass *pass, const uint32_t sizes[], unsigned n_parts, float *weights)
{
    uint32_t total = 0;
    for (unsigned p = 0; p < n_parts; p++)
        total += sizes[p];
    for (uint32_t s = 0; s < pass->n_steps && total; s++) {
        const struct step *step = &pass->steps[s];
        const struct layer *layer = &pass->layers->layers[step->layer];
        const struct layer_place *place = &pass->layers->places[step->layer];
        for (uint32_t c = 0; layer->kind == LAYER_BATCH_NORM && c < step->shape.C; c++) {
            double mean = 0, variance = 0;
            for (unsigned p = 0; p < n_parts; p++) {
                if (sizes[p] == 0)
                    continue;
                mean += (double)step->parts[p].mean[c] * sizes[p] / total;
                variance += (double)step->parts[p].variance[c] * sizes[p] / total;
            }
            float *running_mean = weights + place->mean + c, *running_variance = weights + place->variance + c;
            *running_mean = layer->momentum * *running_mean + (1 - layer->momentum) * (float)mean;
            *running_variance = layer->momentum * *running_variance + (1 - layer->momentum) * (float)variance;
        }
    }
}
