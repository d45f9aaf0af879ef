/* The log: one line an occurrence on standard error, `time level subject: words`. The program's only mutable global is its level.
 * Threads: any; a line is written whole. Called from server/ only: library code returns errors instead. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "core/base/status.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level); /* at start; LOG_INFO until then */

/* Control characters in the words are replaced by '?': what a client sent cannot forge a line. */
void log_line(enum log_level level, const char *subject, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
