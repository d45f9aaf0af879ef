/* What the programs that train picture networks without a store share: pictures from IDX files, and how long an answer takes. Whatever goes
 * wrong ends the program with a sentence. */
#ifndef BENCH_PICTURES_H
#define BENCH_PICTURES_H

#include "core/picture_training.h"

/* The pictures of a pair of IDX files, plain or packed, the first `most` of them (0: all); memory stays until the end of the program. */
struct pictures bench_pictures_read(const char *images, const char *labels, uint32_t most);

/* Those from first to before end, borrowed from whole. */
struct pictures bench_pictures_part(const struct pictures *whole, uint32_t first, uint32_t end);

/* The median microseconds of naming n of pictures (1 to 256, as many as there are at least) on this thread, from normalised pixels to
 * logits, in blocks of a few, over `seconds` of it. */
double bench_pictures_latency(const struct layers *layers, const float *weights, const struct pictures *pictures, uint32_t n,
                              double seconds);

/* Ends the program with code 2. */
_Noreturn void bench_pictures_give_up(const char *what, const char *why);

#endif
