/* Each window is one block of sums with its own landmark, swapped whole through an atomic pointer when it must grow or when newer times
 * would overflow exp: then the landmark moves to the newest time and every sum is scaled down (what becomes 0 is hundreds of windows old).
 * Readers normalise by the block's largest sum, so they never see two scales at once. */
#include "core/popularity.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#define FIRST_ITEMS  1024u
#define EXPONENT_MAX 300.0 /* exp of it is far from the largest double, and leaves events of 700 windows before the landmark above 0 */

static const double window_ms[WINDOWS] = {
    [WINDOW_DAY] = 86400e3, [WINDOW_WEEK] = 7 * 86400e3, [WINDOW_MONTH] = 30 * 86400e3, [WINDOW_ALL] = INFINITY, /* every exponent is 0: the
                                                                                                                    plain count */
};

struct block {
    int64_t landmark_ms;
    uint32_t n_items;
    _Atomic double largest;
    _Atomic double sums[];
};

struct popularity {
    struct epoch *epoch;
    _Atomic(struct block *) blocks[WINDOWS]; /* NULL until the first event */
};

struct popularity *popularity_create(struct epoch *epoch)
{
    struct popularity *popularity = calloc(1, sizeof *popularity);
    if (!popularity)
        return NULL;
    popularity->epoch = epoch;
    for (int window = 0; window < WINDOWS; window++)
        atomic_init(&popularity->blocks[window], NULL);
    return popularity;
}

void popularity_destroy(struct popularity *popularity)
{
    if (!popularity)
        return;
    for (int window = 0; window < WINDOWS; window++)
        free(atomic_load(&popularity->blocks[window]));
    free(popularity);
}

static double load(const _Atomic double *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

/* A block like old (may be NULL) with n_items sums, each times scale. NULL on no memory. */
static struct block *block_copy(const struct block *old, uint32_t n_items, int64_t landmark_ms, double scale)
{
    struct block *block = malloc(sizeof *block + (size_t)n_items * sizeof block->sums[0]);
    if (!block)
        return NULL;
    block->landmark_ms = landmark_ms;
    block->n_items = n_items;
    atomic_init(&block->largest, old ? load(&old->largest) * scale : 0);
    for (uint32_t item = 0; item < n_items; item++)
        atomic_init(&block->sums[item], old && item < old->n_items ? load(&old->sums[item]) * scale : 0);
    return block;
}

static double exponent(int64_t at_ms, int64_t landmark_ms, enum window window)
{
    return ((double)at_ms - (double)landmark_ms) / window_ms[window];
}

/* Give the window's block, replaced if item or at_ms does not fit it; NULL on no memory. */
static struct block *fit_block(struct popularity *popularity, enum window window, uint32_t item, int64_t at_ms)
{
    struct block *old = atomic_load_explicit(&popularity->blocks[window], memory_order_relaxed);
    bool is_late = old && exponent(at_ms, old->landmark_ms, window) > EXPONENT_MAX;
    if (old && item < old->n_items && !is_late)
        return old;
    uint32_t n_items = old ? old->n_items : FIRST_ITEMS;
    while (n_items <= item)
        n_items = n_items > UINT32_MAX / 2 ? UINT32_MAX : n_items * 2;
    int64_t landmark_ms = !old || is_late ? at_ms : old->landmark_ms;
    double scale = is_late ? exp(exponent(old->landmark_ms, at_ms, window)) : 1;
    struct block *block = block_copy(old, n_items, landmark_ms, scale);
    if (!block)
        return NULL;
    atomic_store(&popularity->blocks[window], block);
    if (old)
        epoch_retire(popularity->epoch, old, free);
    return block;
}

static void add_to_block(struct block *block, enum window window, uint32_t item, int64_t at_ms, float weight)
{
    double sum = load(&block->sums[item]) + (double)weight * exp(exponent(at_ms, block->landmark_ms, window));
    atomic_store_explicit(&block->sums[item], sum, memory_order_relaxed);
    if (sum > load(&block->largest))
        atomic_store_explicit(&block->largest, sum, memory_order_relaxed);
}

enum status popularity_add(struct popularity *popularity, uint32_t item, int64_t at_ms, float weight)
{
    if (item == UINT32_MAX)
        return STATUS_INVALID;
    struct block *blocks[WINDOWS];
    for (int window = 0; window < WINDOWS; window++) {
        blocks[window] = fit_block(popularity, (enum window)window, item, at_ms);
        if (!blocks[window])
            return STATUS_NOMEM;
    }
    for (int window = 0; window < WINDOWS; window++)
        add_to_block(blocks[window], (enum window)window, item, at_ms, weight);
    return STATUS_OK;
}

void popularity_score(const struct popularity *popularity, enum window window, float out_scores[], uint32_t n_items)
{
    const struct block *block = atomic_load_explicit(&popularity->blocks[window], memory_order_acquire);
    uint32_t n_known = block && block->n_items < n_items ? block->n_items : n_items;
    double largest = block ? load(&block->largest) : 0;
    if (!(largest > 0))
        n_known = 0;
    for (uint32_t item = 0; item < n_known; item++) {
        double share = load(&block->sums[item]) / largest;
        out_scores[item] = share < 1 ? (float)share : 1; /* an event that is being added may already be in the sum alone */
    }
    for (uint32_t item = n_known; item < n_items; item++)
        out_scores[item] = 0;
}
