/* What content towers are measured against: the rankings of new items that need no network.
 *
 * Category popularity is what a shop does with new items that have categories (attributes, words): A(i) are those of an item, w(u, a) the
 * share of the user's history that has a, and
 *   total    score = sum over a in A(i) of w(u, a) · (training events of all warm items that have a)
 *   mean     the same with the mean events of a warm item that has a: how popular such an item is usually
 *   profile  the same with log(items / items that have a): no popularity at all, but rare categories say more
 * so a new item is as good as the popular things of its kind are, weighted by how much the user is after that kind.
 *
 * Issue 5 asks for twice the NDCG@20 of category popularity: that is total, the items of the user's categories by popularity. Its fairer
 * form is mean, as total favours items that have many and large categories; profile is no ranking by popularity. Beside that bound, the
 * strongest of the three is the one to beat, in each figure: a network that does not is not needed. Threads: one. */
#ifndef COLD_RIVALS_H
#define COLD_RIVALS_H

#include "core/base/random.h"
#include "tests/bench/cold_input.h"

enum rival { RIVAL_RANDOM, RIVAL_TOTAL, RIVAL_MEAN, RIVAL_PROFILE, RIVALS };
extern const char *const rival_names[RIVALS];

struct cold_rivals {
    const struct cold_protocol *protocol;
    struct names *categories;
    uint32_t *starts, *numbers;     /* [n_items + 1]: item v has the categories numbers[starts[v]] …, none twice */
    double *worth[RIVALS], *shares; /* [categories] */
};

/* Categories are an item's words. Ends the program without memory. Borrows protocol for its life. */
void cold_rivals_init(struct cold_rivals *rivals, const struct cold_protocol *protocol);
void cold_rivals_clear(struct cold_rivals *rivals);

/* out_scores [n_cold] of the cold items for the user. */
void cold_rivals_score(struct cold_rivals *rivals, enum rival rival, uint32_t user, float out_scores[]);

#endif
