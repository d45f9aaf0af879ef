/* Events behind a user's last positive are dropped when the sequences are made: they would be rows that nothing is predicted from. */
#include "core/batches.h"

#include <stdlib.h>

void sequences_clear(struct sequences *sequences)
{
    free(sequences->starts);
    free(sequences->items);
    free(sequences->types);
    *sequences = (struct sequences){0};
}

/* Append user's events; a user with nothing to predict leaves no sequence. */
static void add_user(struct sequences *sequences, const struct dataset *dataset, const struct split *split, const float weights[], uint32_t user)
{
    uint64_t first = sequences->starts[sequences->n_sequences], n = first, n_useful = first;
    for (uint64_t i = dataset->starts[user]; i < split->train_ends[user]; i++) {
        float weight = weights[dataset->types[i]];
        if (weight == 0)
            continue;
        sequences->items[n] = dataset->items[i];
        sequences->types[n++] = dataset->types[i];
        if (weight > 0)
            n_useful = n;
    }
    if (n_useful - first < 2)
        return;
    sequences->starts[++sequences->n_sequences] = n_useful;
    sequences->n_events = n_useful;
}

enum status sequences_init(struct sequences *sequences, const struct dataset *dataset, const struct split *split,
                           const struct type_weights *weights)
{
    uint64_t n_events = 0;
    for (uint32_t user = 0; user < dataset->n_users; user++)
        n_events += split->train_ends[user] - dataset->starts[user];
    struct sequences made = {
        .starts = calloc((size_t)dataset->n_users + 1, sizeof *made.starts),
        .items = calloc(n_events + 1, sizeof *made.items),
        .types = calloc(n_events + 1, sizeof *made.types),
    };
    if (!made.starts || !made.items || !made.types) {
        sequences_clear(&made);
        return STATUS_NOMEM;
    }
    for (uint32_t user = 0; user < dataset->n_users; user++)
        add_user(&made, dataset, split, weights->weights, user);
    *sequences = made;
    return STATUS_OK;
}

uint64_t sequences_targets(const struct sequences *sequences, const struct type_weights *weights, uint32_t history)
{
    uint64_t n = 0;
    for (uint32_t s = 0; s < sequences->n_sequences; s++) {
        uint64_t first = sequences->starts[s], end = sequences->starts[s + 1];
        first = end - first > history + 1 ? end - history - 1 : first;
        for (uint64_t i = first + 1; i < end; i++)
            n += weights->weights[sequences->types[i]] > 0;
    }
    return n;
}

/* The largest sum of rows that batch_users sequences can have in one slot: slots are cut at the first sequence that passes the share. */
static uint32_t most_slot_rows(const struct sequences *sequences, uint32_t history, uint32_t batch_users)
{
    uint64_t longest = 0;
    for (uint32_t s = 0; s < sequences->n_sequences; s++) {
        uint64_t n = sequences->starts[s + 1] - sequences->starts[s] - 1;
        longest = n > longest ? n : longest;
    }
    longest = longest > history ? history : longest;
    uint64_t most = longest * batch_users;
    return (uint32_t)(most / SLOTS + longest + 1);
}

enum status batches_init(struct batches *batches, const struct sequences *sequences, const struct type_weights *weights, uint32_t history,
                         uint32_t batch_users)
{
    batch_users = batch_users > sequences->n_sequences ? sequences->n_sequences : batch_users;
    batch_users = batch_users ? batch_users : 1;
    uint32_t max_slot_rows = most_slot_rows(sequences, history, batch_users);
    size_t max_rows = (size_t)max_slot_rows * SLOTS;
    struct batches made = {
        .sequences = sequences,
        .weights = weights,
        .history = history,
        .batch_users = batch_users,
        .n_batches = (sequences->n_sequences + batch_users - 1) / batch_users,
        .max_slot_rows = max_slot_rows,
        .order = calloc((size_t)sequences->n_sequences + 1, sizeof *made.order),
        .items = calloc(max_rows, sizeof *made.items),
        .target_rows = calloc(max_rows, sizeof *made.target_rows),
        .targets = calloc(max_rows, sizeof *made.targets),
        .starts = calloc((size_t)batch_users + SLOTS + 1, sizeof *made.starts),
        .types = calloc(max_rows, sizeof *made.types),
        .target_weights = calloc(max_rows, sizeof *made.target_weights),
    };
    if (!made.order || !made.items || !made.target_rows || !made.targets || !made.starts || !made.types || !made.target_weights) {
        batches_clear(&made);
        return STATUS_NOMEM;
    }
    *batches = made;
    return STATUS_OK;
}

void batches_clear(struct batches *batches)
{
    free(batches->order);
    free(batches->items);
    free(batches->target_rows);
    free(batches->targets);
    free(batches->starts);
    free(batches->types);
    free(batches->target_weights);
    *batches = (struct batches){0};
}

void batches_shuffle(struct batches *batches, uint64_t seed, uint32_t epoch)
{
    uint32_t n = batches->sequences->n_sequences;
    random_init(&batches->random, seed, UINT64_C(0x5348000000000000) | epoch);
    for (uint32_t i = 0; i < n; i++)
        batches->order[i] = i;
    for (uint32_t i = n; i > 1; i--) { /* Fisher and Yates */
        uint32_t j = random_below(&batches->random, i), swapped = batches->order[i - 1];
        batches->order[i - 1] = batches->order[j];
        batches->order[j] = swapped;
    }
}

/* The first event and the number of rows that a sequence gives this time. */
static uint64_t choose_window(struct batches *batches, uint32_t sequence, uint32_t *out_n_rows)
{
    uint64_t first = batches->sequences->starts[sequence], n = batches->sequences->starts[sequence + 1] - first - 1;
    *out_n_rows = (uint32_t)(n > batches->history ? batches->history : n);
    if (n <= batches->history)
        return first;
    uint64_t n_left_out = n - batches->history;
    if (random_next(&batches->random) >> 63)
        return first + n_left_out;
    return first + (n_left_out < UINT32_MAX ? random_below(&batches->random, (uint32_t)n_left_out + 1) : n_left_out);
}

/* Where batch building stands: everything written so far. */
struct cursor {
    uint32_t n_rows, n_starts;
    double weight;
};

static void add_sequence(struct batches *batches, struct batch_slot *slot, struct cursor *cursor, uint32_t sequence)
{
    const struct sequences *sequences = batches->sequences;
    uint32_t n_rows;
    uint64_t first = choose_window(batches, sequence, &n_rows);
    for (uint32_t t = 0; t < n_rows; t++) {
        uint32_t row = slot->packed.n_rows++;
        batches->items[cursor->n_rows] = sequences->items[first + t];
        batches->types[cursor->n_rows++] = sequences->types[first + t];
        float weight = batches->weights->weights[sequences->types[first + t + 1]];
        if (!(weight > 0))
            continue;
        batches->target_rows[batches->n_targets] = row;
        batches->targets[batches->n_targets] = sequences->items[first + t + 1];
        batches->target_weights[batches->n_targets++] = weight;
        cursor->weight += weight;
        slot->n_targets++;
    }
    slot->packed.n_sequences++;
    batches->starts[cursor->n_starts++] = slot->packed.n_rows;
}

static uint64_t rows_of(const struct batches *batches, uint32_t first, uint32_t end)
{
    uint64_t n_rows = 0;
    for (uint32_t i = first; i < end; i++) {
        uint32_t sequence = batches->order[i];
        uint64_t n = batches->sequences->starts[sequence + 1] - batches->sequences->starts[sequence] - 1;
        n_rows += n > batches->history ? batches->history : n;
    }
    return n_rows;
}

void batches_fill(struct batches *batches, uint32_t batch)
{
    uint32_t next = batch * batches->batch_users, end = next + batches->batch_users;
    end = end > batches->sequences->n_sequences ? batches->sequences->n_sequences : end;
    uint64_t n_rows = rows_of(batches, next, end);
    struct cursor cursor = {0};
    batches->n_targets = 0;
    for (uint32_t s = 0; s < SLOTS; s++) {
        struct batch_slot *slot = &batches->slots[s];
        *slot = (struct batch_slot){
            .packed = {.items = batches->items + cursor.n_rows, .types = batches->types + cursor.n_rows, .starts = batches->starts + cursor.n_starts},
            .target_rows = batches->target_rows + batches->n_targets,
            .targets = batches->targets + batches->n_targets,
            .target_weights = batches->target_weights + batches->n_targets,
        };
        batches->starts[cursor.n_starts++] = 0;
        while (next < end && cursor.n_rows < n_rows * (s + 1) / SLOTS)
            add_sequence(batches, slot, &cursor, batches->order[next++]);
    }
    for (uint32_t i = 0; i < batches->n_targets; i++)
        batches->target_weights[i] = (float)(batches->target_weights[i] / cursor.weight);
}
