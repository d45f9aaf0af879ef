/* A growing run of bytes with a limit, for everything that is put together piece by piece.
 *
 * Failure is remembered, not returned: after the first append that does not fit (limit or memory) the buffer is `failed`, later
 * appends do nothing, and the writer checks once at the end with buffer_finish. Threads: one at a time. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "core/base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *bytes; /* always NUL-terminated behind n_bytes once something was appended; NULL before */
    size_t n_bytes, capacity, max_bytes;
    bool failed;
    bool out_of_memory; /* failed, and it was not the limit */
};

/* An empty buffer that never grows beyond max_bytes. */
void buffer_init(struct buffer *buffer, size_t max_bytes);
void buffer_clear(struct buffer *buffer); /* give back the memory; ready for use again with the same limit */
static inline void buffer_clear_scoped(struct buffer *buffer) /* `SCOPED(buffer_clear) struct buffer text;` */
{
    buffer_clear(buffer);
}

/* Room for n_bytes in all, exactly, where the end is known: growing doubles. Beyond max_bytes, or without memory, the buffer is failed. */
void buffer_reserve(struct buffer *buffer, size_t n_bytes);

void buffer_append(struct buffer *buffer, const void *bytes, size_t n_bytes);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_format(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

/* Keep the memory, drop the content and the failure. */
void buffer_reset(struct buffer *buffer);

/* STATUS_OK; STATUS_LIMIT or STATUS_NOMEM if something did not fit. */
enum status buffer_finish(const struct buffer *buffer, struct error *error) MUST_CHECK;

#endif
