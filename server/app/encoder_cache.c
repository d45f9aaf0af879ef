/* Shards of users (user % n_shards), each a piece of memory that is cut to the model's measure: a chain head for each place, then the
 * places, one user's entry in each: its links, its inputs, its state. A place is found through a chain; all are in one list in order of
 * use, and the oldest gives way. Surprising: places are cut anew when a state of another model is written, without anybody having said that
 * it is live. */
#include "server/app/encoder_cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY UINT32_MAX

struct entry {
    uint32_t user;         /* NOBODY: free, and in no chain */
    uint32_t next;         /* in the chain */
    uint32_t newer, older; /* in the list of use */
    uint32_t n_inputs;     /* at most `field` of them; fewer: there never were more */
    uint32_t inputs[];     /* [field], then the state at a multiple of 64 bytes */
};

struct shard {
    pthread_mutex_t lock; /* guards everything below and the shard's memory */
    char version[MODEL_VERSION_BYTES];
    struct state_shape shape;
    unsigned char *places;             /* [n_places · place_bytes] */
    uint32_t *chains;                  /* [n_places] */
    uint32_t n_places, n_used, n_kept; /* used: ever since the places were cut; kept: of them with a user */
    uint32_t newest, oldest;
    uint64_t n_evicted;
};

struct encoder_cache {
    unsigned char *memory; /* [n_shards · shard_bytes] */
    uint64_t shard_bytes;
    uint32_t n_shards;
    struct shard shards[];
};

struct encoder_cache *encoder_cache_create(uint64_t max_bytes, uint32_t n_shards)
{
    assert(n_shards);
    struct encoder_cache *cache = calloc(1, sizeof *cache + n_shards * sizeof cache->shards[0]);
    if (!cache)
        return NULL;
    cache->shard_bytes = max_bytes / n_shards / 64 * 64;
    cache->memory = aligned_alloc(64, cache->shard_bytes ? cache->shard_bytes * n_shards : 64);
    cache->n_shards = n_shards;
    if (!cache->memory) {
        free(cache);
        return NULL;
    }
    for (uint32_t i = 0; i < n_shards; i++)
        (void)pthread_mutex_init(&cache->shards[i].lock, NULL); /* cannot fail with default attributes */
    return cache;
}

void encoder_cache_destroy(struct encoder_cache *cache)
{
    if (!cache)
        return;
    for (uint32_t i = 0; i < cache->n_shards; i++)
        (void)pthread_mutex_destroy(&cache->shards[i].lock);
    free(cache->memory);
    free(cache);
}

/* --- inside a shard's lock --- */

static uint64_t round_up(uint64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static uint64_t state_offset(const struct state_shape *shape)
{
    return round_up(sizeof(struct entry) + shape->field * sizeof(uint32_t));
}

static uint64_t place_bytes(const struct state_shape *shape)
{
    return state_offset(shape) + round_up(shape->n_floats * sizeof(float));
}

static struct entry *entry_at(const struct shard *shard, uint32_t place)
{
    return (void *)(shard->places + place * place_bytes(&shard->shape));
}

static float *state_of(const struct shard *shard, struct entry *entry)
{
    return (void *)((unsigned char *)entry + state_offset(&shard->shape));
}

static bool is_of(const struct shard *shard, const struct encoder_cache_key *key)
{
    return shard->n_places && memcmp(shard->version, key->version, sizeof shard->version) == 0;
}

/* Cut the memory into places for states of another model. */
static void cut(const struct encoder_cache *cache, struct shard *shard, const struct encoder_cache_key *key)
{
    uint64_t most = cache->shard_bytes / (place_bytes(key->shape) + sizeof(uint32_t));
    while (most && round_up(most * sizeof(uint32_t)) + most * place_bytes(key->shape) > cache->shard_bytes)
        most--;
    shard->n_places = most < NOBODY ? (uint32_t)most : NOBODY - 1;
    shard->chains = (void *)(cache->memory + (uint64_t)(shard - cache->shards) * cache->shard_bytes);
    shard->places = (unsigned char *)shard->chains + round_up(shard->n_places * sizeof(uint32_t));
    shard->shape = *key->shape;
    memcpy(shard->version, key->version, sizeof shard->version);
    memset(shard->chains, 0xff, shard->n_places * sizeof *shard->chains); /* NOBODY */
    shard->n_used = shard->n_kept = 0;
    shard->newest = shard->oldest = NOBODY;
}

static uint32_t *chain_of(const struct encoder_cache *cache, const struct shard *shard, uint32_t user)
{
    return &shard->chains[user / cache->n_shards % shard->n_places];
}

static uint32_t find(const struct encoder_cache *cache, const struct shard *shard, uint32_t user)
{
    uint32_t place = *chain_of(cache, shard, user);
    while (place != NOBODY && entry_at(shard, place)->user != user)
        place = entry_at(shard, place)->next;
    return place;
}

static void unlink_place(struct shard *shard, uint32_t place)
{
    struct entry *entry = entry_at(shard, place);
    *(entry->newer == NOBODY ? &shard->newest : &entry_at(shard, entry->newer)->older) = entry->older;
    *(entry->older == NOBODY ? &shard->oldest : &entry_at(shard, entry->older)->newer) = entry->newer;
}

static void link_newest(struct shard *shard, uint32_t place)
{
    struct entry *entry = entry_at(shard, place);
    entry->newer = NOBODY;
    entry->older = shard->newest;
    *(shard->newest == NOBODY ? &shard->oldest : &entry_at(shard, shard->newest)->newer) = place;
    shard->newest = place;
}

static void link_oldest(struct shard *shard, uint32_t place)
{
    struct entry *entry = entry_at(shard, place);
    entry->older = NOBODY;
    entry->newer = shard->oldest;
    *(shard->oldest == NOBODY ? &shard->newest : &entry_at(shard, shard->oldest)->older) = place;
    shard->oldest = place;
}

static void use(struct shard *shard, uint32_t place)
{
    if (shard->newest != place) {
        unlink_place(shard, place);
        link_newest(shard, place);
    }
}

/* Take the user out of a place, which stays in the list of use. */
static void clear_place(const struct encoder_cache *cache, struct shard *shard, uint32_t place)
{
    struct entry *entry = entry_at(shard, place);
    uint32_t *link = chain_of(cache, shard, entry->user);
    while (*link != place)
        link = &entry_at(shard, *link)->next;
    *link = entry->next;
    entry->user = NOBODY;
    shard->n_kept--;
}

/* A place for a user who has none: an unused one, or the oldest. */
static uint32_t take_place(const struct encoder_cache *cache, struct shard *shard, uint32_t user)
{
    bool is_unused = shard->n_used < shard->n_places;
    uint32_t place = is_unused ? shard->n_used++ : shard->oldest;
    struct entry *entry = entry_at(shard, place);
    if (is_unused) {
        link_newest(shard, place);
    } else {
        shard->n_evicted += entry->user != NOBODY;
        if (entry->user != NOBODY)
            clear_place(cache, shard, place);
        use(shard, place);
    }
    uint32_t *chain = chain_of(cache, shard, user);
    entry->user = user;
    entry->next = *chain;
    *chain = place;
    shard->n_kept++;
    return place;
}

/* By how many of its last inputs the sequence is ahead of the entry: the fewest d <= most with which the last `field` inputs of both are
 * the same. A sequence shorter than the field must be the same from its start. */
static uint32_t distance(const struct entry *entry, uint32_t field, const uint32_t inputs[], uint32_t n, uint32_t most)
{
    uint32_t n_seen = n < field ? n : field; /* inputs that a state after the sequence depends on */
    for (uint32_t d = 0; d <= most && d < n_seen; d++) {
        uint32_t n_shared = n_seen - d;
        if (n < field ? entry->n_inputs != n_shared : entry->n_inputs < n_shared)
            continue;
        if (memcmp(entry->inputs + entry->n_inputs - n_shared, inputs + n - d - n_shared, n_shared * sizeof *inputs) == 0)
            return d;
    }
    return ENCODER_CACHE_MISS;
}

/* --- the calls --- */

uint32_t encoder_cache_read(struct encoder_cache *cache, const struct encoder_cache_key *key, const uint32_t inputs[], uint32_t n,
                            uint32_t most, float out_state[])
{
    struct shard *shard = &cache->shards[key->user % cache->n_shards];
    uint32_t d = ENCODER_CACHE_MISS;
    (void)pthread_mutex_lock(&shard->lock);
    uint32_t place = is_of(shard, key) ? find(cache, shard, key->user) : NOBODY;
    if (place != NOBODY) {
        struct entry *entry = entry_at(shard, place);
        d = distance(entry, shard->shape.field, inputs, n, most);
        use(shard, place);
        if (d != ENCODER_CACHE_MISS)
            memcpy(out_state, state_of(shard, entry), (d ? shard->shape.n_floats : shard->shape.n_row) * sizeof *out_state);
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return d;
}

void encoder_cache_write(struct encoder_cache *cache, const struct encoder_cache_key *key, const uint32_t inputs[], uint32_t n,
                         const float state[])
{
    struct shard *shard = &cache->shards[key->user % cache->n_shards];
    uint32_t n_inputs = n < key->shape->field ? n : key->shape->field;
    (void)pthread_mutex_lock(&shard->lock);
    if (!is_of(shard, key))
        cut(cache, shard, key);
    if (shard->n_places) {
        uint32_t place = find(cache, shard, key->user);
        if (place == NOBODY)
            place = take_place(cache, shard, key->user);
        use(shard, place);
        struct entry *entry = entry_at(shard, place);
        entry->n_inputs = n_inputs;
        memcpy(entry->inputs, inputs + n - n_inputs, n_inputs * sizeof *inputs);
        memcpy(state_of(shard, entry), state, shard->shape.n_floats * sizeof *state);
    }
    (void)pthread_mutex_unlock(&shard->lock);
}

void encoder_cache_forget(struct encoder_cache *cache, uint32_t user)
{
    struct shard *shard = &cache->shards[user % cache->n_shards];
    (void)pthread_mutex_lock(&shard->lock);
    uint32_t place = shard->n_places ? find(cache, shard, user) : NOBODY;
    if (place != NOBODY) {
        struct entry *entry = entry_at(shard, place);
        clear_place(cache, shard, place);
        memset(entry->inputs, 0, place_bytes(&shard->shape) - sizeof *entry); /* what they did leaves memory */
        unlink_place(shard, place);
        link_oldest(shard, place);
    }
    (void)pthread_mutex_unlock(&shard->lock);
}

void encoder_cache_measure(struct encoder_cache *cache, struct encoder_cache_figures *out_figures)
{
    struct encoder_cache_figures figures = {0};
    for (uint32_t i = 0; i < cache->n_shards; i++) {
        struct shard *shard = &cache->shards[i];
        (void)pthread_mutex_lock(&shard->lock);
        figures.bytes += shard->n_places ? shard->n_kept * place_bytes(&shard->shape) : 0;
        figures.n_users += shard->n_kept;
        figures.n_evicted += shard->n_evicted;
        (void)pthread_mutex_unlock(&shard->lock);
    }
    *out_figures = figures;
}
