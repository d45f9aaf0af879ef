/* Ages are found by the times that part the events into AGES equal shares. Those are read off a sorted sample: a share that is wrong by a
 * thousandth changes nothing. */
#include "core/sequences.h"

#include <stdlib.h>

#define SAMPLED_TIMES (1u << 20) /* at most twice as many */

void sequences_clear(struct sequences *sequences)
{
    free(sequences->starts);
    free(sequences->items);
    free(sequences->types);
    free(sequences->ages);
    *sequences = (struct sequences){0};
}

/* --- ages --- */

static int compare_times(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* out_limits[i]: about i + 1 AGES-ths of the times are before it. STATUS_NOMEM. */
static enum status find_limits(const int64_t at_ms[], uint64_t n, int64_t out_limits[AGES - 1])
{
    uint64_t stride = n / SAMPLED_TIMES + 1, n_sampled = (n + stride - 1) / stride;
    int64_t *sample = calloc(n_sampled + 1, sizeof *sample);
    if (!sample)
        return STATUS_NOMEM;
    for (uint64_t i = 0; i < n_sampled; i++)
        sample[i] = at_ms[i * stride];
    qsort(sample, n_sampled, sizeof *sample, compare_times);
    for (uint32_t i = 0; i + 1 < AGES; i++)
        out_limits[i] = sample[n_sampled * (i + 1) / AGES];
    free(sample);
    return STATUS_OK;
}

/* How many limits are later. */
static uint8_t age_of(int64_t at_ms, const int64_t limits[AGES - 1])
{
    uint32_t first = 0, n = AGES - 1;
    while (n > 0) {
        uint32_t half = n / 2;
        if (limits[first + half] <= at_ms) {
            first += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return (uint8_t)(AGES - 1 - first);
}

static enum status find_ages(const int64_t at_ms[], uint64_t n, uint8_t out_ages[])
{
    int64_t limits[AGES - 1];
    TRY(find_limits(at_ms, n, limits));
    for (uint64_t i = 0; i < n; i++)
        out_ages[i] = age_of(at_ms[i], limits);
    return STATUS_OK;
}

/* --- sequences --- */

/* Append user's events; a user with nothing to predict leaves no sequence. */
static void add_user(struct sequences *sequences, const struct dataset *dataset, const struct split *split, const float weights[],
                     uint32_t user, int64_t out_at_ms[])
{
    uint64_t first = sequences->starts[sequences->n_sequences], n = first, n_useful = first;
    for (uint64_t i = dataset->starts[user]; i < split->train_ends[user]; i++) {
        float weight = weights[dataset->types[i]];
        if (!feedback_is_behaviour(weight))
            continue;
        sequences->items[n] = dataset->items[i];
        out_at_ms[n] = dataset->at_ms[i];
        sequences->types[n++] = dataset->types[i];
        if (weight > 0)
            n_useful = n;
    }
    if (n_useful - first < 2)
        return;
    sequences->starts[++sequences->n_sequences] = n_useful;
    sequences->n_events = n_useful;
}

static enum status fill(struct sequences *sequences, const struct dataset *dataset, const struct split *split, const float weights[],
                        uint64_t n_events)
{
    sequences->starts = calloc((size_t)dataset->n_users + 1, sizeof *sequences->starts);
    sequences->items = calloc(n_events + 1, sizeof *sequences->items);
    sequences->types = calloc(n_events + 1, sizeof *sequences->types);
    sequences->ages = calloc(n_events + 1, sizeof *sequences->ages);
    int64_t *at_ms = calloc(n_events + 1, sizeof *at_ms);
    enum status status = STATUS_NOMEM;
    if (sequences->starts && sequences->items && sequences->types && sequences->ages && at_ms) {
        for (uint32_t user = 0; user < dataset->n_users; user++)
            add_user(sequences, dataset, split, weights, user, at_ms);
        status = find_ages(at_ms, sequences->n_events, sequences->ages);
    }
    free(at_ms);
    return status;
}

enum status sequences_init(struct sequences *sequences, const struct dataset *dataset, const struct split *split,
                           const struct type_weights *weights)
{
    struct sequences made = {0};
    uint64_t n_events = 0;
    for (uint32_t user = 0; user < dataset->n_users; user++)
        n_events += split->train_ends[user] - dataset->starts[user];
    enum status status = fill(&made, dataset, split, weights->weights, n_events);
    if (status == STATUS_OK)
        *sequences = made;
    else
        sequences_clear(&made);
    return status;
}

uint64_t sequences_targets(const struct sequences *sequences, const struct type_weights *weights)
{
    uint64_t n = 0;
    for (uint32_t s = 0; s < sequences->n_sequences; s++)
        for (uint64_t i = sequences->starts[s] + 1; i < sequences->starts[s + 1]; i++)
            n += weights->weights[sequences->types[i]] > 0;
    return n;
}
