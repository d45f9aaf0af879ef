/* List figures: what many lists of recommendations have in common: how much of the catalogue they show, how evenly, and how little known.
 *
 * coverage@k   share of the catalogue's items that are among the first k of any list
 * Gini@10      of how often each item of the catalogue (never shown ones too) is among the first 10: 0 all alike, 1 one item takes all.
 *              G = 2 sum_i i x_i / (n sum_i x_i) - (n + 1) / n,  x ascending, i = 1 … n        (Gini 1912)
 * novelty@10   mean of -log2(share of the item in all training events) over the first 10 of all lists, in bits; the share is (events + 1) /
 *              (all events + n_items), so that an item without events has one      (self-information: Zhou et al., PNAS 2010)
 *
 * Memory: 8 bytes an item. Threads: one at a time. */
#ifndef CORE_LIST_FIGURES_H
#define CORE_LIST_FIGURES_H

#include "core/base/status.h"

#include <stdint.h>

#define LIST_LENGTH 20

struct list_figures {
    double coverage10, coverage20, gini10, novelty10;
};

struct list_counts {
    uint32_t n_items;
    uint32_t *shown10, *shown20; /* [n_items]: in how many lists the item is among the first so many */
};

enum status list_counts_init(struct list_counts *counts, uint32_t n_items) MUST_CHECK;
void list_counts_clear(struct list_counts *counts);

/* Count one list: items [n], best first, n <= LIST_LENGTH, all below n_items, none twice. */
void list_counts_add(struct list_counts *counts, const uint32_t items[], uint32_t n);

/* item_events [n_items]: training events of each item. Nothing shown: all 0. STATUS_NOMEM. */
enum status list_figures_make(const struct list_counts *counts, const uint32_t item_events[], struct list_figures *out_figures) MUST_CHECK;

#endif
