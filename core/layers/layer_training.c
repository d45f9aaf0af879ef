/* Blocks of weights are cut by how many products their gradient costs, so that workers that take one after the other end together. */
#include "core/layers/layer_training.h"

#include "core/base/floats.h"
#include "core/kernels/maps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS_MAX   160u
#define WANTED_TASKS 12u   /* of about the same cost */
#define ADAM_EPSILON 1e-7f /* Keras' */

/* Rows of one layer's weights, and with the first of them its bias. */
struct block {
    uint32_t layer;
    struct rows rows;
};

struct layer_training {
    const struct layers *layers;
    struct workers *workers;
    const struct kernels *kernels;
    const struct map_kernels *maps;
    struct layer_pass *pass;
    uint64_t seed, step;
    float smoothing;
    float *weights, *gradient, *first_moments, *second_moments; /* [n_floats] */
    struct block blocks[BLOCKS_MAX];
    uint32_t n_blocks;
    /* one step */
    const uint32_t *targets;
    uint32_t n_samples, sizes[LAYER_PARTS];
    struct adam_rates rates;
    double losses[LAYER_PARTS];
};

void layer_training_destroy(struct layer_training *training)
{
    if (!training)
        return;
    layer_pass_destroy(training->pass);
    free(training->weights);
    free(training->gradient);
    free(training->first_moments);
    free(training->second_moments);
    free(training);
}

/* --- blocks --- */

static void add_blocks(struct layer_training *training, uint32_t layer, double all_flops)
{
    const struct layer_place *place = &training->layers->places[layer];
    bool is_product = place->n_weights > 0 && training->layers->layers[layer].kind != LAYER_BATCH_NORM;
    size_t n_rows = is_product ? place->n_weights / place->out.C : 1;
    double flops = 2.0 * (double)place->n_weights * place->out.H * place->out.W;
    size_t n_blocks = is_product ? (size_t)ceil(WANTED_TASKS * flops / all_flops) : 1;
    for (size_t b = 0; place->n_weights > 0 && b < n_blocks; b++) {
        struct rows rows = {n_rows * b / n_blocks, n_rows * (b + 1) / n_blocks};
        if (rows.first < rows.end)
            training->blocks[training->n_blocks++] = (struct block){layer, rows};
    }
}

static bool make_arrays(struct layer_training *training)
{
    float **const arrays[] = {&training->weights, &training->gradient, &training->first_moments, &training->second_moments};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        *arrays[i] = aligned_floats(training->layers->n_floats);
        if (!*arrays[i])
            return false;
        memset(*arrays[i], 0, training->layers->n_floats * sizeof **arrays[i]);
    }
    return true;
}

enum status layer_training_create(const struct layers *layers, const float *weights, uint32_t max_samples, float smoothing, uint64_t seed,
                                  struct workers *workers, struct layer_training **out_training)
{
    SCOPED(layer_training_destroy) struct layer_training *training = calloc(1, sizeof *training);
    if (!training)
        return STATUS_NOMEM;
    training->layers = layers;
    training->workers = workers;
    training->kernels = kernels_fast();
    training->maps = map_kernels_fast();
    training->smoothing = smoothing;
    training->seed = seed;
    if (!make_arrays(training))
        return STATUS_NOMEM;
    memcpy(training->weights, weights, layers->n_floats * sizeof *weights);
    TRY(layer_pass_create(layers, max_samples, true, workers_count(workers), &training->pass));
    double all_flops = layers_flops(layers);
    for (uint32_t l = 0; l < layers->n_layers; l++)
        add_blocks(training, l, all_flops);
    *out_training = training;
    training = NULL;
    return STATUS_OK;
}

float *layer_training_input(struct layer_training *training)
{
    return layer_pass_input(training->pass);
}

const float *layer_training_weights(const struct layer_training *training)
{
    return training->weights;
}

const float *layer_training_gradient(const struct layer_training *training)
{
    return training->gradient;
}

/* --- a step --- */

static void run_part(void *context, uint32_t number, unsigned worker)
{
    struct layer_training *training = context;
    uint32_t first = 0, K = layers_output(training->layers).C;
    for (uint32_t p = 0; p < number; p++)
        first += training->sizes[p];
    struct sample_range range = {first, training->sizes[number], number};
    struct random random;
    random_init(&random, training->seed, UINT64_C(0x4C54000000000000) | (training->step * LAYER_PARTS + number));
    layer_pass_forward(training->pass, training->weights, range, &random, worker);
    const float *logits = layer_pass_output(training->pass) + (size_t)first * K;
    training->losses[number] =
        training->maps->cross_entropy(layer_pass_slopes(training->pass) + (size_t)first * K, logits, training->targets + first,
                                      training->smoothing, training->n_samples, range.n, K);
    layer_pass_backward(training->pass, training->weights, range, worker);
}

static void step_range(struct layer_training *training, size_t first, size_t n)
{
    training->kernels->adam(training->weights + first, training->first_moments + first, training->second_moments + first,
                            training->gradient + first, &training->rates, n);
}

static void run_block(void *context, uint32_t number, unsigned worker)
{
    struct layer_training *training = context;
    const struct block *block = &training->blocks[number];
    const struct layer_place *place = &training->layers->places[block->layer];
    bool is_norm = training->layers->layers[block->layer].kind == LAYER_BATCH_NORM;
    size_t columns = is_norm ? place->n_weights : place->out.C, first = place->weights + block->rows.first * columns;
    size_t n = (block->rows.end - block->rows.first) * columns;
    memset(training->gradient + first, 0, n * sizeof *training->gradient);
    if (block->rows.first == 0)
        memset(training->gradient + place->bias, 0, place->n_bias * sizeof *training->gradient);
    layer_pass_gradients(training->pass, block->layer, block->rows, training->n_samples, LAYER_PARTS, training->gradient, worker);
    step_range(training, first, n);
    if (block->rows.first == 0)
        step_range(training, place->bias, place->n_bias);
}

double layer_training_step(struct layer_training *training, const uint32_t targets[], uint32_t n, float learning_rate)
{
    double loss = 0;
    training->targets = targets;
    training->n_samples = n;
    for (uint32_t p = 0; p < LAYER_PARTS; p++)
        training->sizes[p] = (uint32_t)((uint64_t)n * (p + 1) / LAYER_PARTS - (uint64_t)n * p / LAYER_PARTS);
    training->rates = adam_rates_at(learning_rate, ADAM_EPSILON, ++training->step);
    workers_run(training->workers, LAYER_PARTS, run_part, training);
    workers_run(training->workers, training->n_blocks, run_block, training);
    layer_pass_note_norms(training->pass, training->sizes, LAYER_PARTS, training->weights);
    for (unsigned p = 0; p < LAYER_PARTS; p++)
        loss += training->losses[p];
    return loss;
}
