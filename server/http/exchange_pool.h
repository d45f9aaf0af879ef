/* The pool: exchanges that keep their arena and buffers from one request to the next. Threads: any. */
#ifndef HTTP_EXCHANGE_POOL_H
#define HTTP_EXCHANGE_POOL_H

#include "server/http/exchange_state.h"

struct exchange_pool;

/* Arenas of the exchanges keep arena_block_bytes and hold at most arena_max_bytes, bodies body_max_bytes (until a route says otherwise),
 * replies reply_max_bytes. */
struct exchange_pool *exchange_pool_create(size_t arena_block_bytes, size_t arena_max_bytes, size_t body_max_bytes, size_t reply_max_bytes);
void exchange_pool_destroy(struct exchange_pool *pool); /* accepts NULL; all exchanges must be back */

struct exchange *exchange_pool_acquire(struct exchange_pool *pool); /* clean; NULL on no memory */
void exchange_pool_release(struct exchange_pool *pool, struct exchange *exchange);

#endif
