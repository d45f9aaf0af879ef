/* Pseudo-random numbers that are the same on every machine for the same seed: xoshiro256** (Blackman, Vigna 2018), seeded by
 * splitmix64. Not for secrets. A stream number makes independent generators of one seed, so that work split into blocks draws the
 * same numbers however many threads there are. Threads: one at a time a generator. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4];
};

void random_init(struct random *random, uint64_t seed, uint64_t stream);
uint64_t random_next(struct random *random);

/* Uniform in [0, bound), without bias; bound > 0. */
uint32_t random_below(struct random *random, uint32_t bound);

/* Uniform in [0, 1) with 24 bits. */
float random_uniform(struct random *random);

/* Standard normal (Box and Muller; computed in double so that it does not depend on the float unit). */
float random_normal(struct random *random);

#endif
