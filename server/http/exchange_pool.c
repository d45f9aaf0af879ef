/* A free list under a lock. What grew large is given back, so one big request does not stay in memory. */
#include "server/http/exchange_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_EXCHANGES 256u

struct exchange_pool {
    struct pool_limits limits;
    pthread_mutex_t lock; /* guards what follows */
    struct exchange *first;
    unsigned n_free;
    size_t n_body_bytes;
};

struct exchange_pool *exchange_pool_create(const struct pool_limits *limits)
{
    struct exchange_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->limits = *limits;
    (void)pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

static void exchange_free(struct exchange *exchange)
{
    if (!exchange)
        return;
    arena_destroy(exchange->arena);
    buffer_clear(&exchange->out);
    buffer_clear(&exchange->body);
    free(exchange);
}

void exchange_pool_destroy(struct exchange_pool *pool)
{
    if (!pool)
        return;
    while (pool->first) {
        struct exchange *exchange = pool->first;
        pool->first = exchange->next_free;
        exchange_free(exchange);
    }
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static struct exchange *exchange_new(const struct exchange_pool *pool)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return NULL;
    exchange->arena = arena_create(pool->limits.arena_block_bytes, pool->limits.arena_max_bytes);
    if (!exchange->arena) {
        free(exchange);
        return NULL;
    }
    buffer_init(&exchange->out, pool->limits.reply_max_bytes);
    buffer_init(&exchange->body, pool->limits.body_max_bytes);
    return exchange;
}

struct exchange *exchange_pool_acquire(struct exchange_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    struct exchange *exchange = pool->first;
    if (exchange) {
        pool->first = exchange->next_free;
        pool->n_free--;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return exchange ? exchange : exchange_new(pool);
}

static void buffer_shrink(struct buffer *buffer)
{
    if (buffer->capacity > SMALL_BODY_BYTES)
        buffer_clear(buffer);
    else
        buffer_reset(buffer);
}

/* Count n_bytes in place of what is counted for the exchange now. */
static bool count_body(struct exchange_pool *pool, struct exchange *exchange, size_t n_bytes)
{
    (void)pthread_mutex_lock(&pool->lock);
    size_t n_others = pool->n_body_bytes - exchange->n_counted;
    bool has_room = n_bytes <= exchange->n_counted || n_bytes <= pool->limits.bodies_max_bytes - n_others;
    if (has_room) {
        pool->n_body_bytes = n_others + n_bytes;
        exchange->n_counted = n_bytes;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return has_room;
}

bool exchange_pool_admit_body(struct exchange_pool *pool, struct exchange *exchange, size_t n_bytes)
{
    if (n_bytes < SMALL_BODY_BYTES || n_bytes <= exchange->n_counted)
        return true;
    if (!count_body(pool, exchange, n_bytes))
        return false;
    buffer_reserve(&exchange->body, n_bytes);
    return !exchange->body.failed;
}

size_t exchange_pool_body_bytes(struct exchange_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    size_t n_bytes = pool->n_body_bytes;
    (void)pthread_mutex_unlock(&pool->lock);
    return n_bytes;
}

/* Back to as new, but for the memory that it keeps. */
static void exchange_reset(struct exchange *exchange)
{
    struct arena *arena = exchange->arena;
    arena_reset(arena);
    buffer_shrink(&exchange->out);
    buffer_shrink(&exchange->body);
    struct buffer out = exchange->out, body = exchange->body;
    memset(exchange, 0, sizeof *exchange);
    exchange->arena = arena;
    exchange->out = out;
    exchange->body = body;
}

void exchange_pool_release(struct exchange_pool *pool, struct exchange *exchange)
{
    size_t n_counted = exchange->n_counted;
    exchange_reset(exchange); /* the memory first, then the room */
    (void)pthread_mutex_lock(&pool->lock);
    pool->n_body_bytes -= n_counted;
    bool keep = pool->n_free < KEPT_EXCHANGES;
    if (keep) {
        exchange->next_free = pool->first;
        pool->first = exchange;
        pool->n_free++;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    if (!keep)
        exchange_free(exchange);
}
