/* Both halves have about as many events, so neither is better for knowing more. */
#include "core/drift.h"

#include <math.h>
#include <stdlib.h>

#define NEWEST (AGES / 10u)                    /* the youngest age behind the tenth that is foretold */
#define MIDDLE (NEWEST + (AGES - NEWEST) / 2u) /* the youngest age of the older half */

struct counts {
    uint32_t newer, older;
};

struct totals {
    uint64_t newer, older;
};

static struct totals count(const struct sequences *sequences, struct counts by_item[])
{
    struct totals totals = {0, 0};
    for (uint64_t i = 0; i < sequences->n_events; i++) {
        struct counts *counts = &by_item[sequences->items[i]];
        if (sequences->ages[i] >= MIDDLE) {
            counts->older++;
            totals.older++;
        } else if (sequences->ages[i] >= NEWEST) {
            counts->newer++;
            totals.newer++;
        }
    }
    return totals;
}

enum status drift_of(const struct sequences *sequences, uint32_t n_items, double *out_drift)
{
    struct counts *by_item = calloc((size_t)n_items + 1, sizeof *by_item);
    if (!by_item)
        return STATUS_NOMEM;
    struct totals totals = count(sequences, by_item);
    double sum = 0, prior = .5 * n_items;
    uint64_t n = 0;
    for (uint64_t i = 0; i < sequences->n_events; i++) {
        const struct counts *counts = &by_item[sequences->items[i]];
        if (sequences->ages[i] < NEWEST) {
            sum += log((counts->newer + .5) / (counts->older + .5));
            n++;
        }
    }
    bool is_known = n > 0 && totals.newer > 0 && totals.older > 0;
    *out_drift = is_known ? sum / (double)n - log(((double)totals.newer + prior) / ((double)totals.older + prior)) : 0;
    free(by_item);
    return STATUS_OK;
}
