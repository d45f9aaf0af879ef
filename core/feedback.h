/* Feedback: what the weight of an event type says about the item. The one place that compares weights with bounds; whoever splits, trains,
 * judges, remembers or answers asks here.
 *
 *   weight > 0          positive   target (with that strength in the loss), input, counted by neighbours and popularity, marks as seen
 *   weight <= -0.5      negative   input whose type the encoder sees, never a target; marks as seen; lowers the item and what is like it
 *   -0.5 < weight < 0   weak       shown and not taken: no input (it would push what the user really did out of the history), does not
 *                                  mark as seen; lowers the item, and a little what is like it, until a positive event on it
 *   0                   none       stored, nothing else
 *
 * Pure functions. Threads: any. */
#ifndef CORE_FEEDBACK_H
#define CORE_FEEDBACK_H

#include <stdbool.h>

#define FEEDBACK_NEGATIVE_FROM (-0.5F) /* at and below it: the user said so */

enum feedback { FEEDBACK_NONE, FEEDBACK_POSITIVE, FEEDBACK_NEGATIVE, FEEDBACK_WEAK };

static inline enum feedback feedback_of(float weight)
{
    if (weight > 0)
        return FEEDBACK_POSITIVE;
    if (weight <= FEEDBACK_NEGATIVE_FROM)
        return FEEDBACK_NEGATIVE;
    return weight < 0 ? FEEDBACK_WEAK : FEEDBACK_NONE;
}

/* Is an event of this weight behaviour: an input, and its item seen? */
static inline bool feedback_is_behaviour(float weight)
{
    return weight > 0 || weight <= FEEDBACK_NEGATIVE_FROM;
}

#endif
