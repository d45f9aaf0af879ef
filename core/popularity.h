/* Popularity: how much each item is used, in four windows, kept up to date with every event.
 *
 * A window's score is sum over events of weight · exp((at - landmark) / window): forward decay (Cormode et al., "Forward decay", ICDE
 * 2009), whose order at any moment is that of exponentially fading sums with that mean age (1, 7 and 30 days). WINDOW_ALL fades nothing.
 * Events may come in any order of time, and any number of years apart: sums that have faded by more than e^700 against the newest become 0.
 * Memory: 32 bytes an item. Threads: one writer, which must not be inside the epoch; any readers inside it; each value is read whole. */
#ifndef CORE_POPULARITY_H
#define CORE_POPULARITY_H

#include "core/base/epoch.h"

#include <stdint.h>

enum window { WINDOW_DAY, WINDOW_WEEK, WINDOW_MONTH, WINDOW_ALL, WINDOWS };

struct popularity;

struct popularity *popularity_create(struct epoch *epoch); /* borrows epoch for its life (arrays grow by replacement) */
void popularity_destroy(struct popularity *popularity);
DEFINE_SCOPED(struct popularity *, popularity_destroy);

/* weight > 0. Times far ahead of the newest seen are the caller's to refuse: they would fade everything else. STATUS_NOMEM (nothing was
 * added), STATUS_INVALID: item is UINT32_MAX. */
enum status popularity_add(struct popularity *popularity, uint32_t item, int64_t at_ms, float weight) MUST_CHECK;

/* out_scores[n_items], scaled so that the most popular item has 1 (all zero when nothing was added). Inside the epoch. */
void popularity_score(const struct popularity *popularity, enum window window, float out_scores[], uint32_t n_items);

#endif
