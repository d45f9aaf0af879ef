/* Time: Unix milliseconds inside, RFC 3339 outside. Threads: any. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "core/base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_TEXT_BYTES 32 /* enough for "2026-11-24T10:51:07.123Z" and its NUL, any year 0000-9999 */

int64_t clock_now_ms(void);       /* Unix time */
uint64_t clock_monotonic_ns(void); /* for durations only */

/* Read an RFC 3339 date and time ("2026-11-24T10:51:07.123Z", offset allowed, fraction optional). False if it is not one. */
bool clock_parse(const char *text, int64_t *out_at_ms);

/* Write at_ms as RFC 3339 in UTC with milliseconds. Times outside the years 0000-9999 are clamped. */
void clock_format(int64_t at_ms, char out_text[CLOCK_TEXT_BYTES]);

#endif
