/* Readers walk a shared piece without a lock while a writer replaces it and hands the old one to the epoch: no reader may ever see a freed piece.
 * A piece holds the same number many times; freeing it scribbles over them first, so a reader that came too late would see different ones (and
 * the sanitizers would see the access). */
#include "core/base/epoch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { READERS = 3, SWAPS = 3000, NUMBERS = 32 };

struct piece {
    uint64_t numbers[NUMBERS];
};

struct shared {
    struct epoch *epoch;
    _Atomic(struct piece *) current;
    atomic_bool ending;
    atomic_uint torn;
};

static struct piece *piece_create(uint64_t number)
{
    struct piece *piece = malloc(sizeof *piece);
    for (int i = 0; piece && i < NUMBERS; i++)
        piece->numbers[i] = number;
    return piece;
}

static void piece_destroy(void *memory)
{
    struct piece *piece = memory;
    for (int i = 0; i < NUMBERS; i++)
        piece->numbers[i] = UINT64_MAX - (uint64_t)i;
    free(piece);
}

static void *read_on(void *context)
{
    struct shared *shared = context;
    while (!atomic_load(&shared->ending)) {
        unsigned slot = epoch_enter(shared->epoch);
        const struct piece *piece = atomic_load(&shared->current);
        for (int i = 1; i < NUMBERS; i++)
            if (piece->numbers[i] != piece->numbers[0])
                atomic_fetch_add(&shared->torn, 1);
        epoch_leave(shared->epoch, slot);
    }
    return NULL;
}

int main(void)
{
    struct shared shared = {.epoch = epoch_create()};
    atomic_store(&shared.current, piece_create(0));
    if (!shared.epoch || !atomic_load(&shared.current))
        return 1;
    pthread_t readers[READERS];
    for (int i = 0; i < READERS; i++)
        if (pthread_create(&readers[i], NULL, read_on, &shared) != 0)
            return 1;
    for (uint64_t swap = 1; swap <= SWAPS; swap++) {
        struct piece *fresh = piece_create(swap);
        if (!fresh)
            return 1;
        epoch_retire(shared.epoch, atomic_exchange(&shared.current, fresh), piece_destroy);
        if (swap % 64 == 0)
            epoch_drain(shared.epoch);
    }
    atomic_store(&shared.ending, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    epoch_destroy(shared.epoch);
    piece_destroy(atomic_load(&shared.current));
    printf("%d swaps, %u torn reads\n", SWAPS, atomic_load(&shared.torn));
    return atomic_load(&shared.torn) ? 1 : 0;
}
