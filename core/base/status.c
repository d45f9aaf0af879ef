/* Statuses and errors: words for people, made once, where the failure is seen. */
#include "core/base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void error_write(struct error *error, const char *pointer, const char *format, va_list arguments)
{
    if (!error)
        return;
    (void)vsnprintf(error->detail, sizeof error->detail, format, arguments);
    (void)snprintf(error->pointer, sizeof error->pointer, "%s", pointer);
}

enum status fail(struct error *error, enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_write(error, "", format, arguments);
    va_end(arguments);
    return status;
}

enum status fail_at(struct error *error, enum status status, const char *pointer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_write(error, pointer, format, arguments);
    va_end(arguments);
    return status;
}

const char *status_text(enum status status)
{
    switch (status) {
    case STATUS_OK: return "ok";
    case STATUS_INVALID: return "invalid";
    case STATUS_NOT_FOUND: return "not found";
    case STATUS_CONFLICT: return "conflict";
    case STATUS_LIMIT: return "over a limit";
    case STATUS_BUSY: return "busy";
    case STATUS_NOMEM: return "out of memory";
    case STATUS_IO: return "input/output failed";
    case STATUS_CORRUPT: return "damaged";
    }
    return "unknown status";
}

void memory_free(const void *memory)
{
    free((void *)(size_t)memory);
}
