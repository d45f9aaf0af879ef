/* A content placement made by hand, for tests: a small tower of random weights, or one that says nothing but how much is known. */
#ifndef TESTS_PLACEMENT_FIXTURE_H
#define TESTS_PLACEMENT_FIXTURE_H

#include "core/content_placement.h"

/* The tower and the evidence of an encoder of that shape, for pictures of picture_width floats; weights uniform in ± 0.5 from a fixed seed.
 * content_placement_clear'ed by the caller. */
void placement_fixture_init(struct content_placement *placement, const struct encoder_shape *shape, uint32_t picture_width);

/* Scores by nothing but biases: an item of which nothing is known far below all others, with words as far above them, with words and a
 * picture higher still. */
void placement_fixture_plain(struct content_placement *placement);

/* Puts everything that has words at vector [C], with a bias of 0. */
void placement_fixture_point(struct content_placement *placement, const float vector[]);

#endif
