/* Returns: how likely one comes back to what one had.
 *
 * What comes next is a mixture: P(item) = (p(item) + w[class of item]) / (1 + sum of w over what the user had), p the encoder's softmax, w
 * of an item by how many events have come since its last one. An encoder foretells well what is like the last events, but not that who
 * compares goes back and forth (RESULTS.md, "Where users come back"); repeats as a mixture: Ren and others 2019 (RepeatNet), here with
 * constants. Where what was seen is left out of answers none of it matters. Pure functions. Threads: any. */
#ifndef CORE_RETURNS_H
#define CORE_RETURNS_H

#include <stdint.h>

#define RETURN_CLASSES 8u
#define RETURNS_REACH  64u /* events; what was had before them has no weight */
#define RETURNS_MOST   1e6 /* largest weight */

struct kernels; /* core/kernels/kernels.h */

struct returns {
    float weights[RETURN_CLASSES]; /* >= 0; all 0: nothing is known */
};

/* The class of an item with so many events since its last one: 0, 1, 2, 3, 4-7, 8-15, 16-31, 32 and more. */
unsigned returns_class(uint32_t n_since);

/* The class of the item of each of n <= RETURNS_REACH events, newest first; RETURN_CLASSES where the same item has a newer one. */
void returns_classes(const uint32_t newest_first[], uint32_t n, uint8_t out_classes[]);

/* Raise the scores [n_scores] of what the user had (of n events, newest first, the first RETURNS_REACH count), so that their softmax is in
 * the mixture's order: score = log(e^score + w Z), Z the sum of e^score. Scores are finite. */
void returns_raise(const struct returns *returns, const struct kernels *kernels, const uint32_t newest_first[], uint32_t n, float scores[],
                   uint32_t n_scores);

#endif
