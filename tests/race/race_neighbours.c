/* One writer counts events, with rows that grow, overflow and are halved and a table that grows, while readers score and ask for the most
 * similar. What a reader sees is always a finite, non-negative score, and only pairs that the writer makes: items of the same parity. */
#include "core/neighbours.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#define READERS 3
#define ROUNDS  200000u
#define ITEMS   4000u /* more than the first table holds */
#define MAX_ROW 20u

struct shared {
    struct epoch *epoch;
    struct neighbours *neighbours;
    atomic_bool is_done;
    atomic_uint n_wrong;
};

static bool check_scores(const float scores[], uint32_t item)
{
    for (uint32_t other = 0; other < ITEMS; other++) {
        bool may_be = other % 2 == item % 2;
        if (!isfinite(scores[other]) || scores[other] < 0 || (scores[other] > 0 && !may_be))
            return false;
    }
    return true;
}

static bool check_similar(const struct neighbour found[], uint32_t n, uint32_t item)
{
    for (uint32_t i = 0; i < n; i++) {
        if (found[i].item >= ITEMS || found[i].item % 2 != item % 2 || !(found[i].similarity > 0) || !isfinite(found[i].similarity))
            return false;
        if (i > 0 && found[i].similarity > found[i - 1].similarity)
            return false;
    }
    return n <= 10;
}

static void *read_all_the_time(void *argument)
{
    struct shared *shared = argument;
    float scores[ITEMS];
    struct neighbour found[10];
    for (uint32_t item = 0; !atomic_load(&shared->is_done); item = (item + 1) % ITEMS) {
        unsigned slot = epoch_enter(shared->epoch);
        uint32_t items[3] = {item, item % 16 + item % 2, item / 2 * 2 % 8 + item % 2};
        for (int i = 0; i < 3; i++)
            items[i] = items[i] % 2 == item % 2 ? items[i] : items[i] + 1;
        neighbours_score(shared->neighbours, items, NULL, 3, scores, ITEMS);
        uint32_t n = neighbours_of(shared->neighbours, items[1], 10, found);
        if (!check_scores(scores, item) || !check_similar(found, n, items[1]))
            atomic_fetch_add(&shared->n_wrong, 1);
        epoch_leave(shared->epoch, slot);
    }
    return NULL;
}

/* Most events touch a few popular items, so that their rows overflow again and again. */
static bool write_rounds(struct shared *shared)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t parity = round % 2, item = (round * 7919u) % (round * ITEMS / ROUNDS + 8) / 2 * 2 + parity;
        uint32_t recent[3] = {round % 16 / 2 * 2 + parity, (round / 3) % 8 / 2 * 2 + parity, (round * 31u) % ITEMS / 2 * 2 + parity};
        item = item < ITEMS ? item : parity;
        if (neighbours_add(shared->neighbours, item, 1, recent, 3) != STATUS_OK)
            return false;
    }
    return true;
}

int main(void)
{
    SCOPED(epoch_destroy) struct epoch *epoch = epoch_create();
    SCOPED(neighbours_destroy) struct neighbours *neighbours = epoch ? neighbours_create(epoch, MAX_ROW) : NULL;
    struct shared shared = {.epoch = epoch, .neighbours = neighbours};
    pthread_t readers[READERS];
    if (!neighbours)
        return 1;
    for (int i = 0; i < READERS; i++) {
        if (pthread_create(&readers[i], NULL, read_all_the_time, &shared))
            return 1;
    }
    bool is_written = write_rounds(&shared);
    atomic_store(&shared.is_done, true);
    for (int i = 0; i < READERS; i++)
        (void)pthread_join(readers[i], NULL);
    unsigned n_wrong = atomic_load(&shared.n_wrong);
    if (!is_written || n_wrong)
        (void)fprintf(stderr, "%s, %u wrong answers\n", is_written ? "written" : "not written", n_wrong);
    return is_written && n_wrong == 0 ? 0 : 1;
}
