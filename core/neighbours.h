/* Neighbours: windowed item-to-item co-occurrence with recency, kept up to date with every event; no training.
 *
 * When a user touches item a at their step t, every item b that they touched at steps t-1 … t-WINDOW gains count c[a,b] = c[b,a] += 1.
 * Similarity s(a,b) = c[a,b] / sqrt(n[a] n[b]), n[a] the events of a. A user's score for b is the sum over their last events,
 * newest first (k = 0, 1, …), of sign · decay^k · s(item_k, b), sign < 0 for dislikes. (Item-based collaborative filtering: Sarwar et al. 2001, eq. for
 * cosine; the window and the decay were measured, anchors.md section 1: .0477 NDCG@10 on Beauty.)
 *
 * A row holds at most max_row neighbours: when full, its weaker half is dropped. Threads: one writer (neighbours_add); any readers, each inside the epoch
 * that was given at creation. Readers take no lock and may see a part of an event that is being added. */
#ifndef CORE_NEIGHBOURS_H
#define CORE_NEIGHBOURS_H

#include "core/base/epoch.h"

#include <stdint.h>

#define NEIGHBOURS_WINDOW 5
#define NEIGHBOURS_DECAY 0.8f
#define NEIGHBOURS_REACH 50 /* last events that take part in a score: .8^50 is nothing */

struct neighbours;

struct neighbours *neighbours_create(struct epoch *epoch, uint32_t max_row); /* borrows epoch for its life; NULL on no memory */
void neighbours_destroy(struct neighbours *neighbours);
DEFINE_SCOPED(struct neighbours *, neighbours_destroy);

/* Count one positive event of item after the user's earlier items, newest first ([n_recent], at most NEIGHBOURS_WINDOW are used). */
enum status neighbours_add(struct neighbours *neighbours, uint32_t item, const uint32_t recent[], uint32_t n_recent) MUST_CHECK;

/* out_scores[V] = the user's scores, zero where nothing is known. items [n] newest first; signs [n] weight of each event (1, or < 0), NULL: all 1.
 * Items with number >= n_items are left out. */
void neighbours_score(const struct neighbours *neighbours, const uint32_t items[], const float signs[], uint32_t n, float out_scores[], uint32_t n_items);

struct neighbour {
    uint32_t item;
    float similarity;
};

/* The most similar items, best first; returns how many (up to max). */
uint32_t neighbours_of(const struct neighbours *neighbours, uint32_t item, uint32_t max, struct neighbour out_neighbours[]);

#endif
