/* Writing JSON: an emitter that appends to a buffer. The caller opens and closes, the commas are the emitter's.
 *
 * name = NULL inside arrays and at the top. What does not fit fails the buffer (buffer_finish). Threads: one at a time. */
#ifndef BASE_EMIT_H
#define BASE_EMIT_H

#include "core/base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

struct emit {
    struct buffer *out;
    bool needs_comma;
};

void emit_init(struct emit *emit, struct buffer *out);

void emit_open_object(struct emit *emit, const char *name);
void emit_close_object(struct emit *emit);
void emit_open_array(struct emit *emit, const char *name);
void emit_close_array(struct emit *emit);

void emit_text(struct emit *emit, const char *name, const char *text);            /* NULL is null; invalid UTF-8 becomes U+FFFD */
void emit_integer(struct emit *emit, const char *name, int64_t value);
void emit_number(struct emit *emit, const char *name, double value, int digits);  /* significant digits; not finite is null */
void emit_boolean(struct emit *emit, const char *name, bool value);
void emit_time(struct emit *emit, const char *name, int64_t at_ms);               /* RFC 3339; INT64_MIN is null */
void emit_raw(struct emit *emit, const char *name, const char *json);             /* json is valid JSON; NULL is null */

#endif
