/* The pool: exchanges that keep their arena and buffers from one request to the next, and the bytes that all their bodies may take
 * together. Threads: any. */
#ifndef HTTP_EXCHANGE_POOL_H
#define HTTP_EXCHANGE_POOL_H

#include "server/http/exchange_state.h"

struct exchange_pool;

#define SMALL_BODY_BYTES (64u << 10) /* bodies below this are not counted; their buffers are kept, too */

struct pool_limits {
    size_t arena_block_bytes, arena_max_bytes; /* of an arena: kept from request to request; at most */
    size_t body_max_bytes, reply_max_bytes;    /* a body, until a route says otherwise; a reply */
    size_t bodies_max_bytes;                   /* all bodies together, but for small ones */
};

struct exchange_pool *exchange_pool_create(const struct pool_limits *limits);
void exchange_pool_destroy(struct exchange_pool *pool); /* accepts NULL; all exchanges must be back */

struct exchange *exchange_pool_acquire(struct exchange_pool *pool); /* clean; NULL on no memory */
/* Room for a body of n_bytes, kept until the exchange is released. False: there is none now, or no memory; what is there stays as it is. */
bool exchange_pool_admit_body(struct exchange_pool *pool, struct exchange *exchange, size_t n_bytes);
size_t exchange_pool_body_bytes(struct exchange_pool *pool); /* of all bodies that are counted */

void exchange_pool_release(struct exchange_pool *pool, struct exchange *exchange);

#endif
