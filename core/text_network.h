/* Text network: what the words of a text mean, as one vector. Bags of hashed features (core/words.h) → the mean of their embeddings → a
 * convolution over three neighbouring words → ReLU → the greatest over time (Collobert et al. 2011, section 3.3; Kim 2014) → dense.
 *
 * Size letters: V buckets, C width of an embedding, O channels, D outputs. All weights stand in one array of floats, each tensor at a
 * multiple of 16 floats; the table of embeddings is the last, so that the others, which every step changes, stand together in front.
 * Layouts are those of core/layers/layers.h: the convolution's weights are [3, C, O], the first row for the word before, the dense layer's
 * [O, D], the table is [V, C]. Pure functions. Threads: any. */
#ifndef CORE_TEXT_NETWORK_H
#define CORE_TEXT_NETWORK_H

#include "core/base/status.h"

#include <stddef.h>
#include <stdint.h>

#define TEXT_TAPS   3u
#define TEXT_VECTOR 64u /* the usual D: a text's vector is as long as a picture's */

/* Limits of a sane network. */
#define TEXT_SIDE_MAX   1024u /* of C, O and D */
#define TEXT_FLOATS_MAX (1u << 26)

struct text_shape {
    uint32_t n_buckets, width, channels, outputs; /* V, C, O, D */
};

struct text_network {
    struct text_shape shape;
    size_t conv, conv_bias, dense, dense_bias; /* where each begins */
    size_t table;                              /* and how many floats are not of the table, gaps included */
    size_t n_floats;                           /* of all weights */
};

/* STATUS_INVALID names the number that is out of its limits. */
enum status text_network_init(struct text_network *network, const struct text_shape *shape, struct error *error) MUST_CHECK;

/* weights [n_floats] = what training starts with: products uniform in ± sqrt(6 / (inputs + outputs)) (Glorot, Bengio 2010, equation 16),
 * embeddings in ± 0.05, both as Keras has them; biases, gaps and the embedding of bucket 0, which stands for nothing, 0. A stream of random
 * numbers for every tensor. */
void text_network_start(const struct text_network *network, uint64_t seed, float weights[]);

#endif
