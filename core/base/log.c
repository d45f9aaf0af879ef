/* A line is put together in a fixed buffer and written with one write(2). */
#include "core/base/log.h"

#include "core/base/clock.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static atomic_int shown_level = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&shown_level, (int)level);
}

void log_line(enum log_level level, const char *subject, const char *format, ...)
{
    static const char *const level_texts[] = {"error", "warning", "info", "debug"};
    if ((int)level > atomic_load(&shown_level))
        return;
    char line[1024], now[CLOCK_TEXT_BYTES];
    clock_format(clock_now_ms(), now);
    int prefix = snprintf(line, sizeof line - 1, "%s %s %s: ", now, level_texts[level], subject);
    if (prefix < 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line + prefix, sizeof line - 1 - (size_t)prefix, format, arguments);
    va_end(arguments);
    size_t length = strlen(line);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[length] = '\n';
    ssize_t written = write(STDERR_FILENO, line, length + 1);
    (void)written; /* nowhere to complain */
}
