/* Newcomers under everything at once: one thread changes items and now and then makes another model live, the filler fills in what was
 * there before, three read. At the end every item must stand where its last words put it, whoever came last. */
#include "core/base/floats.h"
#include "core/base/random.h"
#include "server/app/filler.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KNOWN   8u
#define ITEMS   40u
#define ROUNDS  20000u
#define A_SWAP  100u /* rounds between two */
#define READERS 3

static const struct encoder_shape shape = {.n_items = KNOWN, .width = 8, .temperature = 0.1F};

struct shared {
    struct epoch *epoch;
    struct catalogue *catalogue;
    struct picture_live *pictures;
    struct live live;
    struct filler *filler;
    struct content_placement placement;
    atomic_bool is_done;
    atomic_uint n_wrong, n_read;
};

static void must(bool is_good)
{
    if (!is_good)
        abort();
}

static void check(struct shared *shared, bool is_right, const char *what)
{
    if (!is_right && atomic_fetch_add(&shared->n_wrong, 1) < 10)
        (void)fprintf(stderr, "wrong: %s\n", what);
}

static void make_placement(struct content_placement *placement)
{
    const struct content_shape content = {
        .width = 8, .n_buckets = 64, .embedding = 5, .channels = 7, .max_words = 6, .max_features = 9, .max_bytes = 80};
    struct random random;
    placement->evidence = (struct evidence){.width = 8, .is_tempered = true, .length = 1};
    must(content_tower_init(&placement->tower, &content, NULL) == STATUS_OK);
    placement->weights = aligned_floats(placement->tower.n_floats);
    must(placement->weights);
    random_init(&random, 1, 0);
    for (size_t i = 0; i < placement->tower.n_floats; i++)
        placement->weights[i] = random_uniform(&random) - 0.5F;
}

/* A model that is nothing but what it places. */
static void make_live(struct shared *shared)
{
    struct live_model *ready = calloc(1, sizeof *ready);
    must(ready);
    must(newcomers_create(&shared->placement, &shape, shared->epoch, &ready->newcomers, NULL) == STATUS_OK);
    live_swap(&shared->live, ready);
    filler_wake(shared->filler);
}

/* As the writer does: everything that can fail, then the row, then the place. */
static void put(struct shared *shared, uint32_t number, const char *title)
{
    struct newcomers *newcomers = live_get(&shared->live)->newcomers; /* only this thread swaps */
    struct stored_item row = {.item = number, .title = title, .price = (double)NAN, .deleted = !title};
    struct item *record = NULL;
    float *place = NULL;
    must(catalogue_prepare(shared->catalogue, number, "item", &row, &record) == STATUS_OK);
    must(newcomers_prepare(newcomers, &row, NULL, &place) == STATUS_OK);
    catalogue_publish(shared->catalogue, record);
    newcomers_publish(newcomers, number, place);
}

static void *change_items(void *argument)
{
    static const char *const titles[] = {"a red mug", "a blue cup", "spare tyres", "grey wool", NULL};
    struct shared *shared = argument;
    struct random random;
    random_init(&random, 2, 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (i % A_SWAP == 0)
            make_live(shared);
        put(shared, random_below(&random, ITEMS), titles[random_below(&random, 5)]);
    }
    atomic_store(&shared->is_done, true);
    return NULL;
}

static void *read_scores(void *argument)
{
    struct shared *shared = argument;
    const float user[8] = {1, -1, 0.5F, 2, 0, 0.25F, -2, 1};
    while (!atomic_load(&shared->is_done)) {
        float scores[ITEMS] = {0}, similarities[ITEMS] = {0};
        unsigned slot = epoch_enter(shared->epoch);
        const struct newcomers *newcomers = live_get(&shared->live)->newcomers;
        uint32_t n_items = catalogue_count(shared->catalogue);
        newcomers_score(newcomers, user, n_items, scores);
        newcomers_similar(newcomers, user, n_items, similarities);
        epoch_leave(shared->epoch, slot);
        for (uint32_t item = 0; item < ITEMS; item++) {
            check(shared, isfinite(scores[item]) && fabsf(similarities[item]) <= 1.001F, "a score");
            check(shared, item >= KNOWN || scores[item] == 0, "a score of the model's own");
        }
        atomic_fetch_add(&shared->n_read, 1);
    }
    return NULL;
}

static void check_places(struct shared *shared)
{
    struct newcomers *newcomers = live_get(&shared->live)->newcomers;
    uint32_t n_placed = 0;
    for (uint32_t number = KNOWN; number < catalogue_count(shared->catalogue); number++) {
        const struct item *item = catalogue_item(shared->catalogue, number);
        const float *place = newcomers_place(newcomers, number);
        float *expected = NULL;
        if (!item)
            continue;
        must(newcomers_prepare(newcomers, &item->row, NULL, &expected) == STATUS_OK);
        check(shared, !place == !expected, "whether an item is placed");
        check(shared, !place || !expected || memcmp(place, expected, shape.width * sizeof *place) == 0, "where an item is placed");
        n_placed += place != NULL;
        free(expected);
    }
    check(shared, n_placed > 0 && n_placed == newcomers_count(newcomers), "how many are placed");
}

int main(void)
{
    static struct shared shared;
    struct error error = {.detail = ""};
    pthread_t writer, readers[READERS];
    make_placement(&shared.placement);
    shared.epoch = epoch_create();
    must(shared.epoch);
    shared.catalogue = catalogue_create(shared.epoch);
    must(shared.catalogue && picture_live_create(shared.epoch, &shared.pictures) == STATUS_OK);
    live_init(&shared.live, shared.epoch);
    make_live(&shared);
    struct filler_ground ground = {"/nowhere", shared.epoch, shared.catalogue, shared.pictures, &shared.live};
    must(filler_start(&ground, &shared.filler, &error) == STATUS_OK);
    must(pthread_create(&writer, NULL, change_items, &shared) == 0);
    for (int i = 0; i < READERS; i++)
        must(pthread_create(&readers[i], NULL, read_scores, &shared) == 0);
    (void)pthread_join(writer, NULL);
    for (int i = 0; i < READERS; i++)
        (void)pthread_join(readers[i], NULL);
    while (!filler_is_idle(shared.filler))
        (void)sched_yield();
    check_places(&shared);
    filler_stop(shared.filler);
    live_clear(&shared.live);
    picture_live_destroy(shared.pictures);
    catalogue_destroy(shared.catalogue);
    epoch_destroy(shared.epoch);
    content_placement_clear(&shared.placement);
    (void)printf("%u readings, %u wrong\n", atomic_load(&shared.n_read), atomic_load(&shared.n_wrong));
    return atomic_load(&shared.n_read) > 0 && atomic_load(&shared.n_wrong) == 0 ? 0 : 1;
}
