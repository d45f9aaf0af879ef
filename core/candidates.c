/* The list is short on purpose: in the measured sets these choices decided, and others did not (RESULTS.md, "What did not pay"). */
#include "core/candidates.h"

#include <stdio.h>
#include <string.h>

#define LONG_HISTORY   200u
#define LONG_ROWS      100u /* rows of a user, on average over events, from which on a history is long */
#define TEMPERATURE    0.07f
#define SOFTMAX_SPEED  160e9 /* operations a second */
#define NETWORK_SPEED  80e9
#define SPARSE_DROPOUT 0.5f
#define DENSE_DROPOUT  0.2f

/* The mean over events of how many rows their user has: what a step sees. */
static double rows_around_an_event(const struct sequences *sequences)
{
    double sum = 0, n = 0;
    for (uint32_t s = 0; s < sequences->n_sequences; s++) {
        double rows = (double)(sequences->starts[s + 1] - sequences->starts[s] - 1);
        sum += rows * rows;
        n += rows;
    }
    return n > 0 ? sum / n : 0;
}

struct deviation {
    const char *words;
    float temperature; /* of unit vectors; 0: dot product */
    uint32_t width;
    bool is_dense; /* the dropout of dense data */
};

static const struct deviation deviations[CANDIDATES_MAX] = {
    {"unit vectors, width 128", TEMPERATURE, 128, false},
    {"dot product, width 64", 0, 64, false},
    {"unit vectors, width 64, dropout .2", TEMPERATURE, 64, true},
    {"dot product, width 128", 0, 128, false},
    {"dot product, width 64, dropout .2", 0, 64, true},
    {"unit vectors, width 64", TEMPERATURE, 64, false},
    {"dot product, width 128, dropout .2", 0, 128, true},
    {"unit vectors, width 128, dropout .2", TEMPERATURE, 128, true},
};

unsigned candidates_make(const struct sequences *sequences, const struct training_settings *base, struct candidate out[CANDIDATES_MAX])
{
    struct training_settings fitted = *base;
    if (rows_around_an_event(sequences) > LONG_ROWS) {
        fitted.shape.history = LONG_HISTORY;
        fitted.shape.taps = 50;
    }
    for (unsigned i = 0; i < CANDIDATES_MAX; i++) {
        out[i].settings = fitted;
        out[i].settings.shape.width = deviations[i].width;
        out[i].settings.shape.temperature = deviations[i].temperature;
        out[i].settings.dropout = deviations[i].is_dense ? DENSE_DROPOUT : SPARSE_DROPOUT;
        (void)snprintf(out[i].words, sizeof out[i].words, "%s", deviations[i].words);
    }
    return CANDIDATES_MAX;
}

double candidate_epoch_seconds(const struct sequences *sequences, const struct training_settings *settings)
{
    const struct encoder_shape *shape = &settings->shape;
    double rows = (double)(sequences->n_events - sequences->n_sequences), C = shape->width;
    double columns = settings->n_negatives ? settings->n_negatives : shape->n_items;
    double network = shape->n_blocks * (2 * C * C * FEED_FACTOR + C * shape->taps);
    return 6 * rows * (C * columns / SOFTMAX_SPEED + network / NETWORK_SPEED);
}

size_t candidate_bytes(const struct training_settings *settings)
{
    struct tensors tensors;
    tensors_init(&tensors, &settings->shape);
    return tensors.n_floats * sizeof(float) * (settings->averaging > 0 ? 5 : 4); /* weights, two moments, the best, the mean */
}
