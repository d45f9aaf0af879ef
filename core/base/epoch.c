/* A global counter, one slot a reader that holds the counter's value at its entry, and a list of retired pieces in order of age. A
 * piece retired at r may be destroyed when every occupied slot holds a value greater than r. Sequentially consistent throughout:
 * a reader publishes its slot before it loads any pointer, a writer swaps the pointer before it looks at the slots. */
#include "core/base/epoch.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

struct retired {
    struct retired *next; /* younger */
    void *piece;
    void (*destroy)(void *piece);
    uint64_t at;
};

struct slot {
    _Alignas(64) atomic_uint_fast64_t entered; /* 0: free */
};

struct epoch {
    struct slot slots[EPOCH_SLOTS];
    atomic_uint_fast64_t now;
    pthread_mutex_t lock; /* guards the list */
    struct retired *oldest, *youngest;
};

struct epoch *epoch_create(void)
{
    struct epoch *epoch = aligned_alloc(64, (sizeof *epoch + 63) / 64 * 64);
    if (!epoch)
        return NULL;
    for (unsigned i = 0; i < EPOCH_SLOTS; i++)
        atomic_init(&epoch->slots[i].entered, 0);
    atomic_init(&epoch->now, 1);
    epoch->oldest = epoch->youngest = NULL;
    if (pthread_mutex_init(&epoch->lock, NULL)) {
        free(epoch);
        return NULL;
    }
    return epoch;
}

static void destroy_list(struct retired *list)
{
    while (list) {
        struct retired *next = list->next;
        list->destroy(list->piece);
        free(list);
        list = next;
    }
}

void epoch_destroy(struct epoch *epoch)
{
    if (!epoch)
        return;
    destroy_list(epoch->oldest);
    (void)pthread_mutex_destroy(&epoch->lock);
    free(epoch);
}

unsigned epoch_enter(struct epoch *epoch)
{
    unsigned slot = (unsigned)((size_t)pthread_self() >> 12) % EPOCH_SLOTS; /* spreads threads; any start is right */
    for (unsigned tries = 1;; tries++, slot = (slot + 1) % EPOCH_SLOTS) {
        uint_fast64_t is_free = 0;
        if (atomic_compare_exchange_strong(&epoch->slots[slot].entered, &is_free, atomic_load(&epoch->now)))
            return slot;
        if (tries % EPOCH_SLOTS == 0)
            (void)sched_yield();
    }
}

void epoch_leave(struct epoch *epoch, unsigned slot)
{
    atomic_store(&epoch->slots[slot].entered, 0);
}

/* The smallest value that a reader inside holds, or now if there is none. */
static uint64_t oldest_reader(struct epoch *epoch)
{
    uint64_t oldest = atomic_load(&epoch->now);
    for (unsigned i = 0; i < EPOCH_SLOTS; i++) {
        uint64_t entered = atomic_load(&epoch->slots[i].entered);
        if (entered && entered < oldest)
            oldest = entered;
    }
    return oldest;
}

/* Take off the list, and return, what was retired before limit. */
static struct retired *cut_before(struct epoch *epoch, uint64_t limit)
{
    struct retired *first = epoch->oldest, *last = NULL;
    while (epoch->oldest && epoch->oldest->at < limit) {
        last = epoch->oldest;
        epoch->oldest = last->next;
    }
    if (!last)
        return NULL;
    last->next = NULL;
    if (!epoch->oldest)
        epoch->youngest = NULL;
    return first;
}

void epoch_retire(struct epoch *epoch, void *piece, void (*destroy)(void *piece))
{
    struct retired *entry = malloc(sizeof *entry);
    if (!entry) {
        uint64_t at = atomic_fetch_add(&epoch->now, 1);
        while (oldest_reader(epoch) <= at)
            (void)sched_yield();
        destroy(piece);
        return;
    }
    (void)pthread_mutex_lock(&epoch->lock);
    *entry = (struct retired){.piece = piece, .destroy = destroy, .at = atomic_fetch_add(&epoch->now, 1)};
    if (epoch->youngest)
        epoch->youngest->next = entry;
    else
        epoch->oldest = entry;
    epoch->youngest = entry;
    struct retired *done = cut_before(epoch, oldest_reader(epoch));
    (void)pthread_mutex_unlock(&epoch->lock);
    destroy_list(done);
}

void epoch_drain(struct epoch *epoch)
{
    uint64_t at = atomic_fetch_add(&epoch->now, 1);
    while (oldest_reader(epoch) <= at)
        (void)sched_yield();
    (void)pthread_mutex_lock(&epoch->lock);
    struct retired *done = cut_before(epoch, at + 1);
    (void)pthread_mutex_unlock(&epoch->lock);
    destroy_list(done);
}
