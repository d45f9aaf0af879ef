/* What counts as text from outside. Threads: any. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#define ID_MAX_BYTES 128 /* ids of users, items, events, sessions, recommendations, slots, categories */

/* Is it valid UTF-8 (no surrogates, no overlong forms)? */
bool utf8_valid(const char *bytes, size_t n_bytes);

/* Is it an id: 1 to ID_MAX_BYTES bytes of valid UTF-8 without control characters (below U+0020, U+007F-U+009F)? */
bool utf8_is_id(const char *bytes, size_t n_bytes);

#endif
