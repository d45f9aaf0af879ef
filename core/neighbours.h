/* Neighbours: windowed item-to-item co-occurrence with recency, kept up to date with every event; no training.
 *
 * When a user touches item b, each item a that they touched d = 1 … WINDOW events before is counted: c[a,b] += DISTANCE^(d-1) ("b follows
 * a") and, if they are two, c[b,a] += BACKWARD · DISTANCE^(d-1). With n[a] the events of a, a user's score for b is the sum over their last
 * REACH events, newest first (k = 0, 1, …), of weight_k · DECAY^k · c[item_k,b] / (n[item_k]^(1/2) n[b]^(1/4)), weight < 0 for dislikes.
 *
 * This is item-based collaborative filtering (Sarwar et al. 2001) with an order: next items follow in one direction more than the other,
 * and the cosine's n[b]^(1/2) takes too much from what many like. NDCG@10, last event as test, all items ranked, for symmetric counts with
 * cosine and .8^k, and for this: Beauty .0481, .0611 · Toys .0602, .0746 · Yelp .0135, .0180 · ML-1M .1267, .1557. The constants were
 * chosen on the second-last events. tests/bench/bench_neighbours.c measures it.
 *
 * A row holds at most max_row neighbours: when full, its weaker half is dropped. Memory: 16 bytes an item and 8 to 22 bytes a neighbour.
 * Threads: one writer (neighbours_add), which must not be inside the epoch; any readers, each inside the epoch that was given at creation.
 * Readers take no lock and may see a part of an event that is being added. */
#ifndef CORE_NEIGHBOURS_H
#define CORE_NEIGHBOURS_H

#include "core/base/epoch.h"

#include <stdint.h>

#define NEIGHBOURS_WINDOW   5
#define NEIGHBOURS_DISTANCE 0.8f
#define NEIGHBOURS_BACKWARD 0.4f
#define NEIGHBOURS_DECAY    0.7f
#define NEIGHBOURS_REACH    15 /* last events that take part in a score: .7^15 changes no figure, and each costs a row */

struct neighbours;

struct neighbours *neighbours_create(struct epoch *epoch, uint32_t max_row); /* borrows epoch for its life; NULL on no memory */
void neighbours_destroy(struct neighbours *neighbours);
DEFINE_SCOPED(struct neighbours *, neighbours_destroy);

/* Count one positive event of item after the user's earlier positive items, newest first ([n_recent], at most NEIGHBOURS_WINDOW are used;
 * repetitions among them count nothing). An event of weight w > 0 counts as w events would: a purchase of weight 3 as three views.
 * STATUS_NOMEM: the event may be counted in part, everything stays usable. STATUS_INVALID: a number is UINT32_MAX. */
enum status neighbours_add(struct neighbours *neighbours, uint32_t item, float weight, const uint32_t recent[],
                           uint32_t n_recent) MUST_CHECK;

/* out_scores[n_items] = the user's scores, zero where nothing is known. items [n] newest first; weights [n] of the events (< 0 against),
 * NULL: all 1. Items with number >= n_items get no score; what the user did with them still counts. */
void neighbours_score(const struct neighbours *neighbours, const uint32_t items[], const float weights[], uint32_t n, float out_scores[],
                      uint32_t n_items);

struct neighbour {
    uint32_t item;
    float similarity;
};

/* The most similar other items, best first, ties by smaller item; returns how many (up to max). Similarity is the cosine c[a,b] / (n[a]
 * n[b])^(1/2): "like this one" wants the particular more than the popular. */
uint32_t neighbours_of(const struct neighbours *neighbours, uint32_t item, uint32_t max, struct neighbour out_neighbours[]);

/* scores[b] += weight · min(1, that similarity) for the other items b with first <= b < n_items. */
void neighbours_add_similar(const struct neighbours *neighbours, uint32_t item, float weight, uint32_t first, float scores[],
                            uint32_t n_items);

#endif
