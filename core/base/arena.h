/* An arena: memory that is given out piece by piece and taken back all at once.
 *
 * Threads: one at a time. Failure: arena_alloc returns NULL when max_bytes would be passed or malloc fails; nothing else fails.
 * Use: one arena a request; everything that a request needs lives in it and nothing that outlives the request does. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "core/base/status.h"

#include <stddef.h>

struct arena;

/* An arena that takes memory from malloc in blocks of at least block_bytes and never holds more than max_bytes. NULL on no memory. */
struct arena *arena_create(size_t block_bytes, size_t max_bytes);

/* Give everything back. Accepts NULL. */
void arena_destroy(struct arena *arena);
DEFINE_SCOPED(struct arena *, arena_destroy);

/* n_bytes of zeroed memory, aligned for any type and for 64-byte vectors when n_bytes >= 64. NULL when it cannot be had. */
void *arena_alloc(struct arena *arena, size_t n_bytes);

/* n_things × thing_bytes, checked for overflow. */
void *arena_alloc_array(struct arena *arena, size_t n_things, size_t thing_bytes);

/* A NUL-terminated copy of n_bytes of text. */
char *arena_copy(struct arena *arena, const char *text, size_t n_bytes);

/* A formatted text. */
char *arena_format(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

/* Forget everything, keep the first block for the next use. */
void arena_reset(struct arena *arena);

#endif
