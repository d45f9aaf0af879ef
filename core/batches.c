/* Windows are chosen anew every epoch, then shuffled; batches are filled from them in their order. */
#include "core/batches.h"

#include <math.h>
#include <stdlib.h>

static uint64_t rows_of(const struct sequences *sequences, uint32_t sequence)
{
    return sequences->starts[sequence + 1] - sequences->starts[sequence] - 1;
}

static uint64_t windows_of(const struct sequences *sequences, uint32_t sequence, uint32_t history)
{
    return (rows_of(sequences, sequence) + history - 1) / history;
}

uint64_t batches_rows(const struct sequences *sequences, uint32_t history)
{
    uint64_t n_rows = 0;
    for (uint32_t s = 0; s < sequences->n_sequences; s++) {
        uint64_t n = rows_of(sequences, s);
        n_rows += windows_of(sequences, s, history) * (n < history ? n : history);
    }
    return n_rows;
}

/* False: more windows than can be numbered. */
static bool count_windows(const struct sequences *sequences, uint32_t history, uint32_t *out_n_windows)
{
    uint64_t n_windows = 0;
    for (uint32_t s = 0; s < sequences->n_sequences; s++)
        n_windows += windows_of(sequences, s, history);
    *out_n_windows = (uint32_t)n_windows;
    return n_windows < UINT32_MAX;
}

/* The most rows of a batch: it ends with the first window that passes its share. */
static uint64_t most_rows_of(const struct batches *batches)
{
    const struct batch_form *form = &batches->form;
    uint64_t n_rows = batches->n_rows, longest = (uint64_t)batches->n_windows * form->history;
    if (form->recency > 0) /* windows of other lengths may come more often */
        return (longest < form->batch_rows ? longest : form->batch_rows) + 1 + form->history;
    return batches->n_batches ? n_rows / batches->n_batches + 1 + form->history : 1;
}

static uint32_t batches_of(uint64_t n_rows, uint32_t batch_rows)
{
    return (uint32_t)((n_rows + batch_rows - 1) / batch_rows);
}

enum status batches_init(struct batches *batches, const struct sequences *sequences, const struct type_weights *weights,
                         const struct batch_form *form)
{
    struct batches made = {.sequences = sequences, .weights = weights, .form = *form, .n_rows = batches_rows(sequences, form->history)};
    if (!count_windows(sequences, form->history, &made.n_windows))
        return STATUS_NOMEM;
    made.n_batches = batches_of(made.n_rows, form->batch_rows);
    made.max_slot_rows = (uint32_t)(most_rows_of(&made) / SLOTS + 1 + form->history); /* a slot ends as a batch does */
    size_t n_windows = (size_t)made.n_windows + 1, max_rows = (size_t)made.max_slot_rows * SLOTS;
    made.windows = calloc(n_windows, sizeof *made.windows);
    made.pool = form->recency > 0 ? calloc(n_windows, sizeof *made.pool) : NULL;
    made.items = calloc(max_rows, sizeof *made.items);
    made.target_rows = calloc(max_rows, sizeof *made.target_rows);
    made.targets = calloc(max_rows, sizeof *made.targets);
    made.starts = calloc(max_rows + SLOTS, sizeof *made.starts); /* a window has a row at least */
    made.types = calloc(max_rows, sizeof *made.types);
    made.target_weights = calloc(max_rows, sizeof *made.target_weights);
    if (!made.windows || (form->recency > 0 && !made.pool) || !made.items || !made.target_rows || !made.targets || !made.starts ||
        !made.types || !made.target_weights) {
        batches_clear(&made);
        return STATUS_NOMEM;
    }
    *batches = made;
    return STATUS_OK;
}

void batches_clear(struct batches *batches)
{
    free(batches->windows);
    free(batches->pool);
    free(batches->items);
    free(batches->target_rows);
    free(batches->targets);
    free(batches->starts);
    free(batches->types);
    free(batches->target_weights);
    *batches = (struct batches){0};
}

/* A whole number below bound > 0, also beyond 32 bits: there a bias of 2^-32 does not matter. */
static uint64_t random_index(struct random *random, uint64_t bound)
{
    return bound <= UINT32_MAX ? random_below(random, (uint32_t)bound) : random_next(random) % bound;
}

static uint32_t add_windows(struct batches *batches, uint32_t sequence, struct random *random, uint32_t n)
{
    uint64_t first = batches->sequences->starts[sequence], rows = rows_of(batches->sequences, sequence), history = batches->form.history;
    uint64_t n_rows = rows < history ? rows : history, n_free = rows - n_rows;
    batches->windows[n++] = (struct window){first + n_free, (uint32_t)n_rows}; /* the newest */
    for (uint64_t covered = history; covered < rows; covered += history)
        batches->windows[n++] = (struct window){first + random_index(random, n_free + 1), (uint32_t)n_rows};
    return n;
}

/* As many windows as there are, each as often as its age says, a whole number of times: systematic resampling (Kitagawa 1996). */
static void prefer_newer(struct batches *batches, struct random *random)
{
    double chances[AGES], sum = 0, passed = 0, start = random_uniform(random);
    uint32_t n = batches->n_windows, n_drawn = 0;
    struct window *pool = batches->windows;
    const uint8_t *ages = batches->sequences->ages;
    for (uint32_t age = 0; age < AGES; age++)
        chances[age] = exp2(-(double)batches->form.recency * age / (AGES - 1));
    for (uint32_t i = 0; i < n; i++)
        sum += chances[ages[pool[i].first + pool[i].n_rows]];
    for (uint32_t i = 0; i < n; i++) {
        passed += chances[ages[pool[i].first + pool[i].n_rows]];
        while (n_drawn < n && (start + n_drawn) * sum < passed * n)
            batches->pool[n_drawn++] = pool[i];
    }
    while (n_drawn < n) /* the last one, if rounding kept it out */
        batches->pool[n_drawn++] = pool[n - 1];
    batches->windows = batches->pool;
    batches->pool = pool;
    batches->n_rows = 0;
    for (uint32_t i = 0; i < n; i++)
        batches->n_rows += batches->windows[i].n_rows;
    batches->n_batches = batches_of(batches->n_rows, batches->form.batch_rows);
}

void batches_shuffle(struct batches *batches, uint64_t seed, uint32_t epoch)
{
    struct random random;
    uint32_t n = 0;
    random_init(&random, seed, UINT64_C(0x5348000000000000) | epoch);
    for (uint32_t s = 0; s < batches->sequences->n_sequences; s++)
        n = add_windows(batches, s, &random, n);
    if (batches->form.recency > 0)
        prefer_newer(batches, &random);
    for (uint32_t i = n; i > 1; i--) { /* Fisher and Yates */
        uint32_t j = random_below(&random, i);
        struct window swapped = batches->windows[i - 1];
        batches->windows[i - 1] = batches->windows[j];
        batches->windows[j] = swapped;
    }
    batches->random = random;
    batches->next_window = 0;
    batches->next_row = 0;
}

/* Where batch building stands: everything written so far. */
struct cursor {
    uint32_t n_rows, n_starts;
    double weight;
};

/* The event that event number `at` of the window is to foretell. */
static uint64_t draw_target(struct batches *batches, const struct window *window, uint64_t at)
{
    uint64_t target = at + 1, last = window->first + window->n_rows;
    while (batches->form.reach > 0 && target < last && random_uniform(&batches->random) < batches->form.reach)
        target++;
    return target;
}

static void add_window(struct batches *batches, struct batch_slot *slot, struct cursor *cursor, const struct window *window)
{
    const struct sequences *sequences = batches->sequences;
    for (uint64_t at = window->first; at < window->first + window->n_rows; at++) {
        uint32_t row = slot->packed.n_rows++;
        batches->items[cursor->n_rows] = sequences->items[at];
        batches->types[cursor->n_rows++] = sequences->types[at];
        uint64_t target = draw_target(batches, window, at);
        float weight = batches->weights->weights[sequences->types[target]];
        if (!(weight > 0))
            continue;
        batches->target_rows[batches->n_targets] = row;
        batches->targets[batches->n_targets] = sequences->items[target];
        batches->target_weights[batches->n_targets++] = weight;
        cursor->weight += weight;
        slot->n_targets++;
    }
    slot->packed.n_sequences++;
    batches->starts[cursor->n_starts++] = slot->packed.n_rows;
}

/* The rows of the epoch that stand before batch number `batch`, were windows divisible. */
static uint64_t share(const struct batches *batches, uint32_t batch)
{
    return batches->n_rows / batches->n_batches * batch + batches->n_rows % batches->n_batches * batch / batches->n_batches;
}

static void order_slots(struct batches *batches)
{
    uint32_t *order = batches->longest_first;
    for (uint32_t s = 0; s < SLOTS; s++) {
        uint32_t at = s;
        for (; at > 0 && batches->slots[order[at - 1]].packed.n_rows < batches->slots[s].packed.n_rows; at--)
            order[at] = order[at - 1];
        order[at] = s;
    }
}

void batches_fill(struct batches *batches, uint32_t batch)
{
    uint64_t end_row = share(batches, batch + 1), n_rows = end_row > batches->next_row ? end_row - batches->next_row : 0;
    struct cursor cursor = {0};
    batches->n_targets = 0;
    for (uint32_t s = 0; s < SLOTS; s++) {
        struct batch_slot *slot = &batches->slots[s];
        *slot = (struct batch_slot){
            .packed = {.items = batches->items + cursor.n_rows,
                       .types = batches->types + cursor.n_rows,
                       .starts = batches->starts + cursor.n_starts},
            .target_rows = batches->target_rows + batches->n_targets,
            .targets = batches->targets + batches->n_targets,
            .target_weights = batches->target_weights + batches->n_targets,
        };
        batches->starts[cursor.n_starts++] = 0;
        while (batches->next_window < batches->n_windows && cursor.n_rows < n_rows * (s + 1) / SLOTS)
            add_window(batches, slot, &cursor, &batches->windows[batches->next_window++]);
    }
    order_slots(batches);
    batches->next_row += cursor.n_rows;
    batches->n_rows_filled = cursor.n_rows;
    for (uint32_t i = 0; i < batches->n_targets; i++)
        batches->target_weights[i] = (float)(batches->target_weights[i] / cursor.weight);
}
