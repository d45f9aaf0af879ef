/* The order of an epoch, the moves of each picture and the start are streams of random numbers of their own. */
#include "core/picture_training.h"

#include "core/base/clock.h"
#include "core/base/floats.h"
#include "core/kernels/kernels.h"
#include "core/layers/layer_training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void picture_network_clear(struct picture_network *network)
{
    free(network->weights);
    free(network->figures.confusion);
    free(network->curve);
    *network = (struct picture_network){0};
}

#define PIXEL_SCALE (1 / 255.0f)

void picture_normalise(float *y, const uint8_t *pixels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)pixels[i] * PIXEL_SCALE;
}

void picture_move(float *y, const uint8_t *pixels, struct map_shape shape, int down, int right, bool is_mirrored)
{
    for (int i = 0; i < (int)shape.H; i++)
        for (int j = 0; j < (int)shape.W; j++) {
            int row = i - down, column = (is_mirrored ? (int)shape.W - 1 - j : j) - right;
            bool is_inside = row >= 0 && row < (int)shape.H && column >= 0 && column < (int)shape.W;
            const uint8_t *from = pixels + ((size_t)(is_inside ? row : 0) * shape.W + (size_t)(is_inside ? column : 0)) * shape.C;
            for (uint32_t c = 0; c < shape.C; c++)
                *y++ = is_inside ? (float)from[c] * PIXEL_SCALE : 0;
        }
}

/* --- judging --- */

#define JUDGED 8u /* pictures that a worker names at a time: more of them leave the cache (180 us a picture at 32, 70 at 8) */

struct judging {
    const struct layers *layers;
    const float *weights;
    const struct pictures *pictures;
    struct layer_pass *pass; /* JUDGED samples a worker */
    uint32_t *given;         /* [n] */
};

static void name_block(void *context, uint32_t block, unsigned worker)
{
    struct judging *job = context;
    uint32_t first = block * JUDGED, n = job->pictures->n - first < JUDGED ? job->pictures->n - first : JUDGED,
             K = job->pictures->n_classes;
    size_t n_pixels = map_floats(job->pictures->shape);
    picture_normalise(layer_pass_input(job->pass) + (size_t)worker * JUDGED * n_pixels, job->pictures->pixels + first * n_pixels,
                      n * n_pixels);
    layer_pass_infer(job->pass, job->weights, (struct sample_range){worker * JUDGED, n, 0}, worker);
    const float *logits = layer_pass_output(job->pass) + (size_t)worker * JUDGED * K;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t best = 0;
        for (uint32_t k = 1; k < K; k++)
            best = logits[i * K + k] > logits[i * K + best] ? k : best;
        job->given[first + i] = best;
    }
}

enum status picture_network_judge(const struct layers *layers, const float *weights, const struct pictures *pictures,
                                  struct workers *workers, struct picture_figures *figures)
{
    SCOPED(layer_pass_destroy) struct layer_pass *pass = NULL;
    SCOPED(memory_free) uint32_t *given = calloc((size_t)pictures->n + 1, sizeof *given);
    unsigned n_workers = workers_count(workers);
    if (!given)
        return STATUS_NOMEM;
    TRY(layer_pass_create(layers, n_workers * JUDGED, false, n_workers, &pass));
    struct judging job = {layers, weights, pictures, pass, given};
    workers_run(workers, (pictures->n + JUDGED - 1) / JUDGED, name_block, &job);
    memset(figures->confusion, 0, (size_t)pictures->n_classes * pictures->n_classes * sizeof *figures->confusion);
    figures->n = pictures->n;
    figures->n_right = 0;
    for (uint32_t i = 0; i < pictures->n; i++) {
        figures->confusion[(size_t)pictures->labels[i] * pictures->n_classes + given[i]]++;
        figures->n_right += given[i] == pictures->labels[i];
    }
    return STATUS_OK;
}

/* --- training --- */

struct teaching {
    const struct pictures *train, *held_out;
    const struct picture_settings *settings;
    uint64_t seed;
    struct workers *workers;
    const struct progress *progress;
    const char *words; /* in front of a note of progress */
    struct layers layers;
    struct layer_training *training;
    uint32_t *order, *targets; /* [n] of an epoch; [batch] */
    float *folded;             /* as network->layers says */
    struct picture_figures figures;
};

static void teaching_clear_scoped(struct teaching *teaching)
{
    layer_training_destroy(teaching->training);
    free(teaching->order);
    free(teaching->targets);
    free(teaching->folded);
    free(teaching->figures.confusion);
}

static uint32_t steps_of(const struct teaching *teaching)
{
    return (teaching->train->n + teaching->settings->batch - 1) / teaching->settings->batch;
}

static void shuffle(struct teaching *teaching, uint32_t epoch)
{
    struct random random;
    random_init(&random, teaching->seed, UINT64_C(0x5053000000000000) | epoch);
    for (uint32_t i = 0; i < teaching->train->n; i++)
        teaching->order[i] = i;
    for (uint32_t i = teaching->train->n; i > 1; i--) { /* Fisher and Yates */
        uint32_t j = random_below(&random, i), swapped = teaching->order[i - 1];
        teaching->order[i - 1] = teaching->order[j];
        teaching->order[j] = swapped;
    }
}

static void fill_batch(struct teaching *teaching, uint32_t epoch, uint32_t first, uint32_t n)
{
    const struct picture_settings *settings = teaching->settings;
    const struct pictures *train = teaching->train;
    size_t n_pixels = map_floats(train->shape);
    float *input = layer_training_input(teaching->training);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t picture = teaching->order[first + i];
        const uint8_t *pixels = train->pixels + picture * n_pixels;
        teaching->targets[i] = train->labels[picture];
        if (settings->shift == 0 && !settings->flips) {
            picture_normalise(input + i * n_pixels, pixels, n_pixels);
            continue;
        }
        struct random random;
        random_init(&random, teaching->seed, UINT64_C(0x504D000000000000) | ((uint64_t)epoch << 32 | picture));
        int down = (int)random_below(&random, 2 * settings->shift + 1) - (int)settings->shift;
        int right = (int)random_below(&random, 2 * settings->shift + 1) - (int)settings->shift;
        picture_move(input + i * n_pixels, pixels, train->shape, down, right, settings->flips && random_below(&random, 2));
    }
}

static float rate_at(const struct picture_settings *settings, uint64_t step, uint64_t n_steps)
{
    double share = settings->is_annealed ? 0.5 * (1 + cos(3.14159265358979 * (double)step / (double)n_steps)) : 1;
    return settings->learning_rate * (float)share;
}

/* best: accuracy held out so far, to be shown. */
static enum status train_epoch(struct teaching *teaching, uint32_t epoch, double best, struct picture_epoch *out_epoch)
{
    const struct picture_settings *settings = teaching->settings;
    uint32_t n_steps = steps_of(teaching), n_all = teaching->train->n;
    uint64_t began_ns = clock_monotonic_ns(), n_total = (uint64_t)n_steps * settings->epochs;
    double loss = 0;
    shuffle(teaching, epoch);
    for (uint32_t step = 0; step < n_steps; step++) {
        uint32_t first = step * settings->batch, n = n_all - first < settings->batch ? n_all - first : settings->batch;
        uint64_t number = (uint64_t)epoch * n_steps + step;
        fill_batch(teaching, epoch, first, n);
        loss += n * layer_training_step(teaching->training, teaching->targets, n, rate_at(settings, number, n_total));
        char note[120];
        (void)snprintf(note, sizeof note, "%sepoch %u, loss %.3f", teaching->words, epoch + 1, loss / (double)(first + n));
        if (teaching->held_out->n)
            (void)snprintf(note + strlen(note), sizeof note - strlen(note), ", best accuracy held out %.4f", best);
        if (!progress_report(teaching->progress, "pictures", number + 1, n_total, note))
            return STATUS_CONFLICT;
    }
    *out_epoch = (struct picture_epoch){.loss = loss / n_all, .seconds = (double)(clock_monotonic_ns() - began_ns) / 1e9};
    return STATUS_OK;
}

/* Name the held-out pictures, and keep weights and figures if this epoch is chosen over those before. */
static enum status look(struct teaching *teaching, uint32_t epoch, struct picture_network *network)
{
    struct picture_epoch *point = &network->curve[epoch];
    layers_fold(&teaching->layers, layer_training_weights(teaching->training), &network->layers, teaching->folded);
    TRY(picture_network_judge(&network->layers, teaching->folded, teaching->held_out, teaching->workers, &teaching->figures));
    point->accuracy = teaching->figures.n ? (double)teaching->figures.n_right / teaching->figures.n : 0;
    network->n_epochs = epoch + 1;
    bool is_chosen =
        epoch == 0 || teaching->settings->is_annealed || teaching->held_out->n == 0 || teaching->figures.n_right > network->figures.n_right;
    if (!is_chosen)
        return STATUS_OK;
    network->chosen_epoch = epoch + 1;
    network->figures.n = teaching->figures.n;
    network->figures.n_right = teaching->figures.n_right;
    memcpy(network->figures.confusion, teaching->figures.confusion,
           (size_t)teaching->train->n_classes * teaching->train->n_classes * sizeof *network->figures.confusion);
    memcpy(network->weights, teaching->folded, network->layers.n_floats * sizeof *network->weights);
    return STATUS_OK;
}

static enum status prepare(struct teaching *teaching, struct picture_network *network)
{
    const struct picture_settings *settings = teaching->settings;
    size_t n_floats = teaching->layers.n_floats, n_cells = (size_t)teaching->train->n_classes * teaching->train->n_classes;
    teaching->order = calloc(teaching->train->n, sizeof *teaching->order);
    teaching->targets = calloc(settings->batch, sizeof *teaching->targets);
    teaching->folded = aligned_floats(n_floats);
    teaching->figures.confusion = calloc(n_cells, sizeof *teaching->figures.confusion);
    network->weights = aligned_floats(n_floats);
    network->figures.confusion = calloc(n_cells, sizeof *network->figures.confusion);
    network->curve = calloc(settings->epochs, sizeof *network->curve);
    if (!teaching->order || !teaching->targets || !teaching->folded || !teaching->figures.confusion || !network->weights ||
        !network->figures.confusion || !network->curve)
        return STATUS_NOMEM;
    layers_start(&teaching->layers, teaching->seed, teaching->folded);
    return layer_training_create(&teaching->layers, teaching->folded, settings->batch, settings->smoothing, teaching->seed,
                                 teaching->workers, &teaching->training);
}

static enum status teach(struct teaching *teaching, struct picture_network *out_network, struct error *error)
{
    SCOPED(picture_network_clear) struct picture_network network = {0};
    const struct pictures *train = teaching->train;
    double best = 0;
    if (train->n == 0 || teaching->settings->epochs == 0 || teaching->settings->batch == 0)
        return fail(error, STATUS_INVALID, "no pictures to learn from");
    TRY(picture_layers(teaching->settings->preset, train->shape, train->n_classes, &teaching->layers, error));
    TRY(kernels_check(error)); /* which also keeps BLAS from starting threads of its own */
    if (prepare(teaching, &network) != STATUS_OK)
        return fail(error, STATUS_NOMEM, "no memory to train on %u pictures", train->n);
    for (uint32_t epoch = 0; epoch < teaching->settings->epochs; epoch++) {
        struct picture_epoch *point = &network.curve[epoch];
        enum status status = train_epoch(teaching, epoch, best, point);
        if (status == STATUS_OK)
            status = look(teaching, epoch, &network);
        if (status != STATUS_OK)
            return fail(error, status, "%s", status == STATUS_CONFLICT ? "training was asked to stop" : "no memory to judge the pictures");
        best = point->accuracy > best ? point->accuracy : best;
    }
    *out_network = network;
    network = (struct picture_network){0};
    return STATUS_OK;
}

enum status picture_training_run(const struct pictures *train, const struct pictures *held_out, const struct picture_settings *settings,
                                 uint64_t seed, struct workers *workers, const struct progress *progress,
                                 struct picture_network *out_network, struct error *error)
{
    SCOPED(teaching_clear)
    struct teaching teaching = {
        .train = train, .held_out = held_out, .settings = settings, .seed = seed, .workers = workers, .progress = progress, .words = ""};
    return teach(&teaching, out_network, error);
}

enum status picture_training_refit(const struct pictures *all, const struct picture_settings *settings, uint64_t seed,
                                   struct workers *workers, const struct progress *progress, struct picture_network *network,
                                   struct error *error)
{
    SCOPED(picture_network_clear) struct picture_network again = {0};
    struct picture_settings as_long = *settings;
    struct pictures none = *all;
    SCOPED(teaching_clear)
    struct teaching teaching = {
        .train = all, .held_out = &none, .settings = &as_long, .seed = seed, .workers = workers, .progress = progress, .words = "refit, "};
    none.n = 0;
    as_long.epochs = network->chosen_epoch; /* an annealed schedule is as long as it was: its last epoch is chosen */
    TRY(teach(&teaching, &again, error));
    memcpy(network->weights, again.weights, network->layers.n_floats * sizeof *network->weights);
    return STATUS_OK;
}
