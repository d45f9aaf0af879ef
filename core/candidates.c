/* The list is short on purpose: in the measured sets these choices decided, and others did not (RESULTS.md, "What did not pay").
 *
 * Dropout goes by how often an item is met in training: where that is rare a network learns the events by heart. The search tries the steps
 * next to it too. Early rounds favour less dropout, which learns faster and ends lower, so the step is a guess that is checked, not found.
 */
#include "core/candidates.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LONG_HISTORY  200u
#define LONG_TAPS     50u
#define LONG_ROWS     100u /* rows of a user, on average over events, from which on a history is long */
#define TEMPERATURE   0.07f
#define AVERAGING     0.998f
#define SOFTMAX_SPEED 300e9 /* operations a second */
#define NETWORK_SPEED 100e9
#define LOOK_SPEED    100e9

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

static const float dropouts[] = {.2f, .3f, .5f};
#define DROPOUTS ((int)(sizeof dropouts / sizeof dropouts[0]))

/* Place in dropouts. */
static int dropout_for(double rows_an_item)
{
    return rows_an_item > 100 ? 0 : rows_an_item > 17 ? 1 : 2;
}

struct deviation {
    bool is_unit; /* vectors of length 1 with a temperature; else the dot product */
    uint32_t width;
    int dropout_step; /* from the one for the data */
    float averaging;
};

static const struct deviation deviations[CANDIDATES_MAX] = {
    {true, 128, 0, 0}, {false, 128, 0, 0}, {true, 64, 0, 0},          {false, 64, 0, 0},
    {true, 128, 1, 0}, {false, 128, 1, 0}, {true, 128, 0, AVERAGING}, {true, 64, 1, 0},
};

static void deviate(const struct deviation *deviation, int dropout, struct candidate *candidate)
{
    struct training_settings *settings = &candidate->settings;
    dropout += deviation->dropout_step;
    settings->shape.width = deviation->width;
    settings->shape.temperature = deviation->is_unit ? TEMPERATURE : 0;
    settings->dropout = dropouts[dropout < DROPOUTS ? dropout : 1]; /* above the most there is: below it */
    settings->averaging = settings->n_negatives ? 0 : deviation->averaging;
    (void)snprintf(candidate->words, sizeof candidate->words, "%s, width %u, dropout %.1f%s",
                   deviation->is_unit ? "unit vectors" : "dot product", deviation->width, (double)settings->dropout,
                   settings->averaging > 0 ? ", averaged" : "");
}

unsigned candidates_make(const struct sequences *sequences, const struct training_settings *base, struct candidate out[CANDIDATES_MAX])
{
    struct training_settings fitted = *base;
    unsigned n = 0;
    int dropout = dropout_for(count_rows(sequences) / base->shape.n_items);
    if (rows_around_an_event(sequences) > LONG_ROWS) {
        fitted.shape.history = LONG_HISTORY;
        fitted.shape.taps = LONG_TAPS;
    }
    for (unsigned i = 0; i < CANDIDATES_MAX; i++) {
        if (deviations[i].averaging > 0 && fitted.n_negatives)
            continue;
        out[n].settings = fitted;
        deviate(&deviations[i], dropout, &out[n++]);
    }
    return n;
}

uint32_t candidate_epochs(const struct sequences *sequences)
{
    double rows = count_rows(sequences);
    return (uint32_t)fmin(30, fmax(12, 30 * sqrt(200e3 / fmax(rows, 1))));
}

double candidate_epoch_seconds(const struct sequences *sequences, uint32_t n_held_out, const struct training_settings *settings)
{
    const struct encoder_shape *shape = &settings->shape;
    double rows = count_rows(sequences), C = shape->width;
    double columns = settings->n_negatives ? settings->n_negatives : shape->n_items;
    double network = shape->n_blocks * (2 * C * C * FEED_FACTOR + C * shape->taps);
    double look = 2.0 * n_held_out * C * shape->n_items / LOOK_SPEED;
    return 6 * rows * (C * columns / SOFTMAX_SPEED + network / NETWORK_SPEED) + look;
}

size_t candidate_bytes(const struct training_settings *settings)
{
    struct tensors tensors;
    tensors_init(&tensors, &settings->shape);
    return tensors.n_floats * sizeof(float) * (settings->averaging > 0 ? 5 : 4); /* weights, two moments, the best, the mean */
}
