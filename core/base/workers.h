/* Workers: a parallel for over numbered blocks.
 *
 * Which worker runs a block depends on the moment; what a block computes must not: results that depend only on the block number,
 * reduced in block order by the caller, are the same at any thread count.
 * Threads: one caller at a time. The calling thread works too, so n_threads = 1 starts no thread. */
#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

#include "core/base/status.h"

#include <stdint.h>

struct workers;

/* NULL if the threads cannot be had. n_threads >= 1. */
struct workers *workers_create(unsigned n_threads);
void workers_destroy(struct workers *workers);
DEFINE_SCOPED(struct workers *, workers_destroy);

unsigned workers_count(const struct workers *workers);

/* Call run(context, block, worker) for every block in [0, n_blocks), worker in [0, n_threads); return when all are done. */
void workers_run(struct workers *workers, uint32_t n_blocks, void (*run)(void *context, uint32_t block, unsigned worker), void *context);

/* How many processors this process may use. */
unsigned workers_processors(void);

#endif
