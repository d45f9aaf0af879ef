/* Doubling growth; one sticky failure instead of a check at every append. */
#include "core/base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 256u

void buffer_init(struct buffer *buffer, size_t max_bytes)
{
    *buffer = (struct buffer){.max_bytes = max_bytes};
}

void buffer_clear(struct buffer *buffer)
{
    if (!buffer)
        return;
    free(buffer->bytes);
    buffer_init(buffer, buffer->max_bytes);
}

static bool resize(struct buffer *buffer, size_t capacity)
{
    char *grown = realloc(buffer->bytes, capacity);
    if (!grown) {
        buffer->failed = buffer->out_of_memory = true;
        return false;
    }
    buffer->bytes = grown;
    buffer->capacity = capacity;
    return true;
}

/* Room for n_bytes more and the NUL. */
static bool reserve(struct buffer *buffer, size_t n_bytes)
{
    if (buffer->failed)
        return false;
    if (n_bytes > buffer->max_bytes || buffer->n_bytes > buffer->max_bytes - n_bytes) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->n_bytes + n_bytes + 1;
    if (needed <= buffer->capacity)
        return true;
    size_t capacity = buffer->capacity ? buffer->capacity : FIRST_BYTES;
    while (capacity < needed)
        capacity *= 2;
    return resize(buffer, capacity);
}

void buffer_reserve(struct buffer *buffer, size_t n_bytes)
{
    bool is_empty = !buffer->bytes;
    if (buffer->failed || n_bytes < buffer->capacity)
        return;
    if (n_bytes > buffer->max_bytes)
        buffer->failed = true;
    else if (resize(buffer, n_bytes + 1) && is_empty)
        buffer->bytes[0] = '\0';
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t n_bytes)
{
    if (!reserve(buffer, n_bytes))
        return;
    if (n_bytes)
        memcpy(buffer->bytes + buffer->n_bytes, bytes, n_bytes);
    buffer->n_bytes += n_bytes;
    buffer->bytes[buffer->n_bytes] = '\0';
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !reserve(buffer, (size_t)length)) {
        buffer->failed = true;
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(buffer->bytes + buffer->n_bytes, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->n_bytes += (size_t)length;
}

void buffer_reset(struct buffer *buffer)
{
    buffer->n_bytes = 0;
    buffer->failed = buffer->out_of_memory = false;
    if (buffer->bytes)
        buffer->bytes[0] = '\0';
}

enum status buffer_finish(const struct buffer *buffer, struct error *error)
{
    if (buffer->out_of_memory)
        return fail(error, STATUS_NOMEM, "no memory for a text of more than %zu bytes", buffer->n_bytes);
    if (buffer->failed)
        return fail(error, STATUS_LIMIT, "the text is longer than %zu bytes", buffer->max_bytes);
    return STATUS_OK;
}
