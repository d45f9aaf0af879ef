/* Counts are whole numbers, so the order in which lists come changes nothing. */
#include "core/list_figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum status list_counts_init(struct list_counts *counts, uint32_t n_items)
{
    uint32_t *memory = calloc(2 * (size_t)n_items + 1, sizeof *memory);
    if (!memory)
        return STATUS_NOMEM;
    *counts = (struct list_counts){.n_items = n_items, .shown10 = memory, .shown20 = memory + n_items};
    return STATUS_OK;
}

void list_counts_clear(struct list_counts *counts)
{
    free(counts->shown10);
    *counts = (struct list_counts){0};
}

void list_counts_add(struct list_counts *counts, const uint32_t items[], uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        counts->shown10[items[i]] += i < 10;
        counts->shown20[items[i]] += 1;
    }
}

static int compare_counts(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return (one > other) - (one < other);
}

static double gini_of_sorted(const uint32_t sorted[], uint32_t n)
{
    double weighted = 0, sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        weighted += (i + 1.0) * sorted[i];
        sum += sorted[i];
    }
    return sum > 0 ? 2 * weighted / (n * sum) - (n + 1.0) / n : 0;
}

static double novelty_of(const struct list_counts *counts, const uint32_t item_events[])
{
    double all = 0, sum = 0, n_shown = 0;
    for (uint32_t item = 0; item < counts->n_items; item++)
        all += item_events[item] + 1.0;
    for (uint32_t item = 0; item < counts->n_items; item++) {
        if (counts->shown10[item] == 0)
            continue;
        sum += counts->shown10[item] * log2(all / (item_events[item] + 1.0));
        n_shown += counts->shown10[item];
    }
    return n_shown > 0 ? sum / n_shown : 0;
}

enum status list_figures_make(const struct list_counts *counts, const uint32_t item_events[], struct list_figures *out_figures)
{
    uint32_t n_items = counts->n_items, n_shown10 = 0, n_shown20 = 0;
    SCOPED(memory_free) uint32_t *sorted = malloc((n_items + (size_t)1) * sizeof *sorted);
    if (!sorted)
        return STATUS_NOMEM;
    for (uint32_t item = 0; item < n_items; item++) {
        sorted[item] = counts->shown10[item];
        n_shown10 += counts->shown10[item] > 0;
        n_shown20 += counts->shown20[item] > 0;
    }
    qsort(sorted, n_items, sizeof *sorted, compare_counts);
    *out_figures = (struct list_figures){
        .coverage10 = n_items ? (double)n_shown10 / n_items : 0,
        .coverage20 = n_items ? (double)n_shown20 / n_items : 0,
        .gini10 = gini_of_sorted(sorted, n_items),
        .novelty10 = novelty_of(counts, item_events),
    };
    return STATUS_OK;
}
