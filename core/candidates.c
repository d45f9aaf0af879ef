/* The lists are short on purpose: in the measured sets these choices decided, and others did not (RESULTS.md, "What did not pay").
 *
 * Dropout goes by how often an item is met in training: where that is rare a network learns the events by heart. Where events could as well
 * have come the other way round, targets further ahead may be labels for nothing; elsewhere they are false. Where what is liked moves, an
 * epoch is better spent on new behaviour than on old. */
#include "core/candidates.h"

#include "core/batches.h"
#include "core/tensors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LONG_HISTORY    200u
#define LONG_TAPS       50u
#define LONG_ROWS       100u /* rows of a user, on average over events, from which on a history is long */
#define TEMPERATURE     0.07f
#define LOW_TEMPERATURE 0.05f
#define REACH           0.3f
#define REVERSIBLE      0.9 /* from here on a reach may pay: it does on Yelp, at .94 (RESULTS.md, "Targets further ahead") */
#define RECENCY         3.0f
#define DRIFTING        0.3 /* from here on a recency pays: it does on Diginetica, at .7 (RESULTS.md, "Newer behaviour more often") */

static double count_rows(const struct sequences *sequences)
{
    return (double)(sequences->n_events - sequences->n_sequences);
}

/* The mean over events of how many rows their user has: what a step sees. */
static double rows_around_an_event(const struct sequences *sequences)
{
    double sum = 0, n = count_rows(sequences);
    for (uint32_t s = 0; s < sequences->n_sequences; s++) {
        double rows = (double)(sequences->starts[s + 1] - sequences->starts[s] - 1);
        sum += rows * rows;
    }
    return n > 0 ? sum / n : 0;
}

static const float dropouts[] = {.1f, .2f, .3f, .4f, .5f, .6f};
#define DROPOUTS ((int)(sizeof dropouts / sizeof dropouts[0]))

static float dropout_for(double rows_an_item)
{
    return rows_an_item > 100 ? .2f : rows_an_item > 17 ? .3f : .5f;
}

struct form {
    uint32_t width;
    float temperature;  /* of vectors of length 1; 0: the dot product */
    uint32_t taps_part; /* taps are divided by it */
    float reach;
};

static const struct form forms[FORMS_MAX] = {
    {128, TEMPERATURE, 1, 0}, {128, TEMPERATURE, 1, REACH}, {128, 0, 1, 0}, {64, TEMPERATURE, 1, 0}, {64, 0, 1, 0},
    {128, TEMPERATURE, 3, 0}, {128, LOW_TEMPERATURE, 1, 0},
};

static void describe(struct candidate *candidate)
{
    const struct training_settings *settings = &candidate->settings;
    int n = settings->shape.temperature > 0
                ? snprintf(candidate->words, sizeof candidate->words, "unit vectors / %.2g", (double)settings->shape.temperature)
                : snprintf(candidate->words, sizeof candidate->words, "dot product");
    n += snprintf(candidate->words + n, sizeof candidate->words - (size_t)n, ", width %u, %u taps, dropout %.1f", settings->shape.width,
                  settings->shape.taps, (double)settings->dropout);
    if (settings->reach > 0)
        n += snprintf(candidate->words + n, sizeof candidate->words - (size_t)n, ", reach %.1f", (double)settings->reach);
    if (settings->recency > 0)
        (void)snprintf(candidate->words + n, sizeof candidate->words - (size_t)n, ", recency %.2g", (double)settings->recency);
}

unsigned candidates_forms(const struct sequences *sequences, const struct traits *traits, const struct training_settings *base,
                          struct candidate out[FORMS_MAX])
{
    struct training_settings fitted = *base;
    fitted.dropout = dropout_for(count_rows(sequences) / base->shape.n_items);
    if (rows_around_an_event(sequences) > LONG_ROWS) {
        fitted.shape.history = LONG_HISTORY;
        fitted.shape.taps = LONG_TAPS;
    }
    if (traits->drift >= DRIFTING)
        fitted.recency = RECENCY;
    unsigned n = 0;
    for (unsigned i = 0; i < FORMS_MAX; i++) {
        if (forms[i].reach > 0 && traits->reversibility < REVERSIBLE)
            continue;
        out[n].settings = fitted;
        out[n].settings.shape.width = forms[i].width;
        out[n].settings.shape.temperature = forms[i].temperature;
        out[n].settings.shape.taps = (fitted.shape.taps + forms[i].taps_part - 1) / forms[i].taps_part;
        out[n].settings.reach = forms[i].reach;
        describe(&out[n++]);
    }
    return n;
}

static unsigned add_variation(const struct training_settings *form, int place, unsigned n, struct candidate out[VARIATIONS_MAX])
{
    if (place < 0 || place >= DROPOUTS)
        return n;
    out[n].settings = *form;
    out[n].settings.dropout = dropouts[place];
    describe(&out[n]);
    return n + 1;
}

unsigned candidates_variations(const struct training_settings *form, struct candidate out[VARIATIONS_MAX])
{
    int below = 0, above = 0; /* how many are below its own, how many are not above it */
    while (below < DROPOUTS && dropouts[below] < form->dropout)
        below++;
    while (above < DROPOUTS && dropouts[above] <= form->dropout)
        above++;
    return add_variation(form, below - 1, add_variation(form, above, 0, out), out);
}

uint32_t candidate_epochs(const struct sequences *sequences)
{
    double rows = count_rows(sequences);
    return (uint32_t)fmin(25, fmax(10, 25 * sqrt(150e3 / fmax(rows, 1))));
}

double candidate_epoch_seconds(const struct sequences *sequences, uint32_t n_held_out, const struct training_settings *settings)
{
    const struct encoder_shape *shape = &settings->shape;
    double rows = (double)batches_rows(sequences, shape->history), C = shape->width;
    double columns = settings->n_negatives ? settings->n_negatives : shape->n_items;
    double network = rows * shape->n_blocks * (2 * C * C * FEED_FACTOR + C * shape->taps), look = n_held_out * C * shape->n_items;
    const struct kernels *kernels = kernels_fast();
    double softmax_speed = PLANNED_CORES * 1e9 * (double)kernels->softmax_gflops,
           speed = PLANNED_CORES * 1e9 * (double)kernels->other_gflops;
    return 6 * rows * C * columns / softmax_speed + (6 * network + 2 * look) / speed;
}

size_t candidate_bytes(const struct training_settings *settings)
{
    struct tensors tensors;
    tensors_init(&tensors, &settings->shape);
    return tensors.n_floats * sizeof(float) * (settings->averaging > 0 ? 5 : 4); /* weights, two moments, the best, the mean */
}
