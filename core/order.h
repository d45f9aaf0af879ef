/* Order: how much of what comes next the order of events tells.
 *
 * Reversibility: how often two neighbouring events are found the other way round in somebody else's sequence, over how often they are found
 * there in the same order. 0: b follows a, a never b (the parts of a series). 1: the order says nothing, as where a day's events were
 * written down in any order; more: it was turned round. A chain whose transitions have this at 1 is called reversible (Kelly 1979, 1.2).
 * Threads: any. */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H

#include "core/sequences.h"

#define ORDER_PAIRS     (1u << 20) /* looked at, about: of every so many-th sequence */
#define ORDER_PAIRS_MIN 100u       /* with fewer that are found again nothing is known, and the order is taken to tell everything */

/* Events of one item twice are no pair. Takes 16 bytes a pair for a while. STATUS_NOMEM. */
enum status order_reversibility(const struct sequences *sequences, double *out_reversibility) MUST_CHECK;

#endif
