/* The encoder cache under everything at once: threads go through the sequences of a few users at their own pace, read and keep states,
 * while others forget users and come with another model. The numbers of a state are made of its inputs, so a state that was torn, mixed up
 * or kept for other inputs is found out. */
#include "server/app/encoder_cache.h"

#include "core/base/random.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 20000u
#define USERS  24u
#define LENGTH 96u

enum { THREADS = 4, MOST = 5, MODELS = 2 };

static const struct state_shape shapes[MODELS] = {{.n_floats = 120, .n_row = 8, .field = 7, .most = MOST},
                                                  {.n_floats = 56, .n_row = 4, .field = 11, .most = MOST}};
static const char *const versions[MODELS] = {"m0000000000000001", "m0000000000000002"};

struct shared {
    struct encoder_cache *cache;
    atomic_uint n_wrong, n_found, n_threads;
};

/* A user's sequence is a matter of arithmetic; no input comes twice, so a state fits one place of one sequence only. */
static void fill_inputs(uint32_t user, uint32_t n, uint32_t out_inputs[LENGTH])
{
    for (uint32_t i = 0; i < n; i++)
        out_inputs[i] = user * LENGTH + i;
}

static float number_of(const struct state_shape *shape, const uint32_t inputs[], uint32_t n, uint32_t at)
{
    uint32_t first = n > shape->field ? n - shape->field : 0, sum = at;
    for (uint32_t i = first; i < n; i++)
        sum = sum * 5 + inputs[i];
    return (float)(sum % 65521);
}

static void check_state(struct shared *shared, const struct state_shape *shape, const uint32_t inputs[], uint32_t n, uint32_t n_numbers,
                        const float state[])
{
    for (uint32_t i = 0; i < n_numbers; i++)
        if (state[i] != number_of(shape, inputs, n, i)) {
            atomic_fetch_add(&shared->n_wrong, 1);
            return;
        }
    atomic_fetch_add(&shared->n_found, 1);
}

static void step(struct shared *shared, struct random *random, uint32_t inputs[LENGTH], float state[120])
{
    uint32_t user = (uint32_t)random_below(random, USERS), n = 1 + (uint32_t)random_below(random, LENGTH);
    unsigned model = random_below(random, 50) == 0;
    const struct state_shape *shape = &shapes[model];
    struct encoder_cache_key key = {.version = versions[model], .shape = shape, .user = user};
    fill_inputs(user, n, inputs);
    uint32_t d = encoder_cache_read(shared->cache, &key, inputs, n, MOST, state);
    if (d != ENCODER_CACHE_MISS && d > 0)
        check_state(shared, shape, inputs, n - d, 1 + (uint32_t)random_below(random, shape->n_floats), state);
    else if (d == 0)
        check_state(shared, shape, inputs, n, shape->n_row, state);
    for (uint32_t more = 0; more < 4 && n + more <= LENGTH; more++) { /* go on as a few requests would */
        fill_inputs(user, n + more, inputs);
        for (uint32_t i = 0; i < shape->n_floats; i++)
            state[i] = number_of(shape, inputs, n + more, i);
        encoder_cache_write(shared->cache, &key, inputs, n + more, state);
        d = encoder_cache_read(shared->cache, &key, inputs, n + more, MOST, state);
        if (d == 0)
            check_state(shared, shape, inputs, n + more, shape->n_row, state);
    }
    if (random_below(random, 20) == 0)
        encoder_cache_forget(shared->cache, (uint32_t)random_below(random, USERS));
}

static void *go_through(void *argument)
{
    struct shared *shared = argument;
    struct random random;
    uint32_t inputs[LENGTH];
    float state[120];
    random_init(&random, 7, atomic_fetch_add(&shared->n_threads, 1));
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct encoder_cache_figures figures;
        step(shared, &random, inputs, state);
        if (round % 64 == 0)
            encoder_cache_measure(shared->cache, &figures);
    }
    return NULL;
}

int main(void)
{
    /* room for about half of the users */
    struct shared shared = {.cache = encoder_cache_create(3 * (64 + 4 * 640), 3)};
    pthread_t threads[THREADS];
    if (!shared.cache)
        return 1;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, go_through, &shared))
            abort();
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    struct encoder_cache_figures figures;
    encoder_cache_measure(shared.cache, &figures);
    unsigned n_found = atomic_load(&shared.n_found), n_wrong = atomic_load(&shared.n_wrong);
    (void)printf("%u wrong of %u found, %llu evicted\n", n_wrong, n_found + n_wrong, (unsigned long long)figures.n_evicted);
    encoder_cache_destroy(shared.cache);
    return n_wrong == 0 && n_found > ROUNDS && figures.n_evicted > ROUNDS ? 0 : 1;
}
