/* What a user's vector costs: encoding anew, and going on from a kept state, with the cache around it as a request has it. Random weights;
 * many users in turn, so that states come from memory and not from the nearest cache.
 *
 *   ninja -C build/release tests/bench/bench_encoding && build/release/tests/bench/bench_encoding
 *
 * Microseconds a user: the least of several turns. */
#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/encoder_state.h"
#include "server/app/encoder_cache.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { USERS = 4096, EVENTS = 256, TURNS = 25 };
static_assert(EVENTS / 2 + (1 + 3) * TURNS <= EVENTS, "every user has enough events for all turns");

static const struct encoder_shape shapes[] = {
    {.n_items = 20000, .n_types = 2, .width = 64, .taps = 16, .n_blocks = 2, .history = 50},
    {.n_items = 20000, .n_types = 2, .width = 64, .taps = 25, .n_blocks = 2, .history = 50},
    {.n_items = 20000, .n_types = 2, .width = 64, .taps = 50, .n_blocks = 2, .history = 100},
    {.n_items = 20000, .n_types = 2, .width = 128, .taps = 25, .n_blocks = 2, .history = 50},
    {.n_items = 20000, .n_types = 2, .width = 128, .taps = 50, .n_blocks = 2, .history = 100},
};

struct bench {
    struct encoder encoder;
    struct state_shape shape;
    float *weights, *state;
    uint32_t *items; /* [USERS, EVENTS]; an input of the cache is an item */
    uint8_t *types;
    void *workspace;
    struct encoder_cache *cache;
    uint32_t n; /* events of every user so far */
};

static void *allocate(size_t n_bytes)
{
    void *memory = aligned_alloc(64, (n_bytes + 63) / 64 * 64);
    if (!memory)
        abort();
    return memory;
}

static void open_bench(struct bench *bench, const struct encoder_shape *shape)
{
    struct random random;
    random_init(&random, 1, 1);
    *bench = (struct bench){.n = EVENTS / 2};
    encoder_init(&bench->encoder, shape, kernels_fast());
    if (!encoder_state_shape(&bench->encoder, &bench->shape))
        abort();
    bench->weights = allocate(bench->encoder.tensors.n_floats * sizeof(float));
    for (size_t i = 0; i < bench->encoder.tensors.n_floats; i++)
        bench->weights[i] = .1f * random_normal(&random);
    bench->state = allocate(bench->shape.n_floats * sizeof(float));
    bench->items = allocate((size_t)USERS * EVENTS * sizeof(uint32_t));
    bench->types = allocate((size_t)USERS * EVENTS);
    for (size_t i = 0; i < (size_t)USERS * EVENTS; i++) {
        bench->items[i] = (uint32_t)random_below(&random, shape->n_items);
        bench->types[i] = (uint8_t)random_below(&random, shape->n_types);
    }
    bench->workspace = allocate(encoder_last_bytes(&bench->encoder));
    bench->cache = encoder_cache_create(UINT64_C(1) << 30, 64);
    if (!bench->cache)
        abort();
}

static void close_bench(struct bench *bench)
{
    free(bench->weights);
    free(bench->state);
    free(bench->items);
    free(bench->types);
    free(bench->workspace);
    encoder_cache_destroy(bench->cache);
}

static void encode_anew(struct bench *bench, uint32_t user)
{
    size_t at = (size_t)user * EVENTS;
    encoder_last(&bench->encoder, bench->weights, bench->items + at, NULL, bench->types + at, bench->n, bench->workspace, bench->state);
}

/* As a request of a user who is not in the cache. */
static void encode_and_keep(struct bench *bench, uint32_t user)
{
    size_t at = (size_t)user * EVENTS;
    struct encoder_cache_key key = {.version = "m0000000000000001", .shape = &bench->shape, .user = user};
    encoder_state_build(&bench->encoder, bench->weights, bench->items + at, bench->types + at, bench->n, bench->workspace, bench->state);
    encoder_cache_write(bench->cache, &key, bench->items + at, bench->n, bench->state);
}

/* As a request of a user who is. */
static void go_on(struct bench *bench, uint32_t user)
{
    size_t at = (size_t)user * EVENTS;
    struct encoder_cache_key key = {.version = "m0000000000000001", .shape = &bench->shape, .user = user};
    uint32_t behind = encoder_cache_read(bench->cache, &key, bench->items + at, bench->n, bench->shape.most, bench->state);
    if (behind == ENCODER_CACHE_MISS)
        abort();
    if (behind == 0)
        return;
    size_t from = at + bench->n - behind;
    encoder_state_advance(&bench->encoder, bench->weights, bench->items + from, bench->types + from, behind, bench->workspace,
                          bench->state);
    encoder_cache_write(bench->cache, &key, bench->items + at, bench->n, bench->state);
}

/* Least microseconds a user over the turns; before each one every user does so many more things. */
static double measure(struct bench *bench, void (*act)(struct bench *bench, uint32_t user), uint32_t n_more)
{
    double least = 1e9;
    for (int turn = 0; turn < TURNS; turn++) {
        bench->n += n_more;
        uint64_t started_ns = clock_monotonic_ns();
        for (uint32_t user = 0; user < USERS; user++)
            act(bench, user);
        double micros = (double)(clock_monotonic_ns() - started_ns) * 1e-3 / USERS;
        least = micros < least ? micros : least;
    }
    return least;
}

int main(void)
{
    (void)printf("width taps   anew   anew, kept   one event   three events   nothing new   bytes a state\n");
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        struct bench bench;
        open_bench(&bench, &shapes[s]);
        double anew = measure(&bench, encode_anew, 0), kept = measure(&bench, encode_and_keep, 0);
        double one = measure(&bench, go_on, 1), three = measure(&bench, go_on, 3), none = measure(&bench, go_on, 0);
        (void)printf("%5u %4u %6.1f %12.1f %11.1f %14.1f %13.2f %15zu\n", shapes[s].width, shapes[s].taps, anew, kept, one, three, none,
                     bench.shape.n_floats * sizeof(float));
        close_bench(&bench);
    }
    return 0;
}
