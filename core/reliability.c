/* The cell is found from the logarithm, so neighbouring cells are 1.1 % apart everywhere. */
#include "core/reliability.h"

#include <math.h>

#define CELLS_A_HALVING 64

void reliability_add(struct reliability_counts *counts, double p, bool happened)
{
    double place = p > 0 ? RELIABILITY_CELLS + log2(p) * CELLS_A_HALVING : 0;
    size_t cell = place <= 0 ? 0 : place >= RELIABILITY_CELLS ? RELIABILITY_CELLS - 1 : (size_t)place;
    counts->cells[cell].predicted += p;
    counts->cells[cell].n++;
    counts->cells[cell].hits += happened;
}

static void add_cell(struct reliability_cell *sum, const struct reliability_cell *cell)
{
    sum->predicted += cell->predicted;
    sum->n += cell->n;
    sum->hits += cell->hits;
}

static struct reliability_bin bin_of(const struct reliability_cell *sum)
{
    double n = (double)sum->n;
    return (struct reliability_bin){.predicted = sum->predicted / n, .observed = (double)sum->hits / n, .n = sum->n};
}

/* So many bins that each expects some hits: with fewer the picture shows luck. */
static uint32_t count_bins(double expected_hits)
{
    double n = expected_hits / RELIABILITY_HITS;
    return n < 1 ? 1 : n > RELIABILITY_BINS ? RELIABILITY_BINS : (uint32_t)n;
}

struct reliability reliability_of(const struct reliability_counts *counts)
{
    struct reliability made = {0};
    struct reliability_cell all = {0}, bin = {0};
    for (size_t i = 0; i < RELIABILITY_CELLS; i++)
        add_cell(&all, &counts->cells[i]);
    if (all.n == 0)
        return made;
    uint32_t most_bins = count_bins(all.predicted);
    double before = 0; /* predicted hits of the bins that are made */
    for (size_t i = 0; i < RELIABILITY_CELLS; i++) {
        add_cell(&bin, &counts->cells[i]);
        bool is_full = before + bin.predicted >= all.predicted * (made.n_bins + 1.0) / most_bins;
        if (bin.n == 0 || made.n_bins + 1 == most_bins || !is_full)
            continue;
        before += bin.predicted;
        made.bins[made.n_bins++] = bin_of(&bin);
        bin = (struct reliability_cell){0};
    }
    if (bin.n > 0)
        made.bins[made.n_bins++] = bin_of(&bin);
    made.n = all.n;
    made.predicted = all.predicted / (double)all.n;
    made.observed = (double)all.hits / (double)all.n;
    for (uint32_t i = 0; i < made.n_bins; i++)
        made.expected_error += (double)made.bins[i].n / (double)all.n * fabs(made.bins[i].predicted - made.bins[i].observed);
    made.relative_error = made.predicted > 0 ? made.expected_error / made.predicted : 0;
    return made;
}
