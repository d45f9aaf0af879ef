/* Every block of a parallel for is run exactly once, and what the blocks wrote is seen by the caller afterwards without a lock: round after round on the
 * same workers, with fewer and with more blocks than threads. */
#include "core/base/workers.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 400, BLOCKS_MAX = 97 };

struct round {
    unsigned runs[BLOCKS_MAX]; /* plain memory on purpose: a block belongs to one worker */
    unsigned n_workers;
    unsigned wrong_worker[BLOCKS_MAX];
};

static void run_block(void *context, uint32_t block, unsigned worker)
{
    struct round *round = context;
    round->runs[block]++;
    round->wrong_worker[block] = worker >= round->n_workers;
}

int main(void)
{
    unsigned mistakes = 0;
    for (unsigned n_threads = 1; n_threads <= 4; n_threads++) {
        struct workers *workers = workers_create(n_threads);
        if (!workers)
            return 1;
        for (uint32_t number = 0; number < ROUNDS; number++) {
            struct round round = {.n_workers = workers_count(workers)};
            uint32_t n_blocks = number % (BLOCKS_MAX + 1);
            workers_run(workers, n_blocks, run_block, &round);
            for (uint32_t block = 0; block < BLOCKS_MAX; block++)
                mistakes += round.runs[block] != (block < n_blocks) || round.wrong_worker[block];
        }
        workers_destroy(workers);
    }
    printf("%d rounds at 1 to 4 threads, %u mistakes\n", ROUNDS, mistakes);
    return mistakes ? 1 : 0;
}
