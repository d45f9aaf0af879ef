/* The state of one user's encoder: all that the next event needs to know of the events before it.
 *
 * The encoder is causal and every block looks K - 1 rows back, so a state is
 *   [C]                    the user's vector, as encoder_last gives it
 *   [n_blocks, K - 1, C]   the last input rows of each block, oldest first; zeros before the first event
 * which is 7936 bytes with width 64, 16 taps and 2 blocks; 64 MiB hold the states of about 8000 such users. Advancing a state by an event
 * takes n_blocks · (K C + 8 C²) multiplications, encoding anew about K / 2 times as many (2 blocks). Rows are sums of a fixed number of
 * rows below, never of themselves: however far a state was advanced it equals the encoding of the last `field` events, to rounding.
 *
 * The encoder sees the last `history` events. A network whose field n_blocks · (K - 1) + 1 is longer cuts through it when it encodes, so a
 * state would know more than the encoding: such a network has none.
 * Pure functions over the caller's memory. No allocation, no lock. Threads: any. */
#ifndef CORE_ENCODER_STATE_H
#define CORE_ENCODER_STATE_H

#include "core/encoder.h"

/* False: the network has no states (see above), and the functions below must not be called. */
bool encoder_state_shape(const struct encoder *encoder, struct state_shape *out_shape);

/* Events are items[n], types[n], oldest first, in range, n >= 1. workspace: encoder_last_bytes, 64-byte aligned. */

/* out_state[n_floats] = after these events and no others (of more than `field` the last count). */
void encoder_state_build(const struct encoder *encoder, const float *weights, const uint32_t items[], const uint8_t types[], uint32_t n,
                         void *workspace, float out_state[]);

/* state[n_floats] goes on by these events. n <= most. */
void encoder_state_advance(const struct encoder *encoder, const float *weights, const uint32_t items[], const uint8_t types[], uint32_t n,
                           void *workspace, float state[]);

#endif
