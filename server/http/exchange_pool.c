/* A free list under a lock. What grew large is given back, so one big request does not stay in memory. */
#include "server/http/exchange_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_BUFFER_BYTES (64u << 10)
#define KEPT_EXCHANGES    256u

struct exchange_pool {
    size_t arena_block_bytes, arena_max_bytes, body_max_bytes, reply_max_bytes;
    pthread_mutex_t lock; /* guards the list */
    struct exchange *first;
    unsigned n_free;
};

struct exchange_pool *exchange_pool_create(size_t arena_block_bytes, size_t arena_max_bytes, size_t body_max_bytes, size_t reply_max_bytes)
{
    struct exchange_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->arena_block_bytes = arena_block_bytes;
    pool->arena_max_bytes = arena_max_bytes;
    pool->body_max_bytes = body_max_bytes;
    pool->reply_max_bytes = reply_max_bytes;
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
    exchange->arena = arena_create(pool->arena_block_bytes, pool->arena_max_bytes);
    if (!exchange->arena) {
        free(exchange);
        return NULL;
    }
    buffer_init(&exchange->out, pool->reply_max_bytes);
    buffer_init(&exchange->body, pool->body_max_bytes);
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
    if (buffer->capacity > KEPT_BUFFER_BYTES)
        buffer_clear(buffer);
    else
        buffer_reset(buffer);
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
    exchange_reset(exchange);
    (void)pthread_mutex_lock(&pool->lock);
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
