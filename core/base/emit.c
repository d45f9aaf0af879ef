/* One comma flag is enough: it is set behind every value and cleared behind every opening bracket. */
#include "core/base/emit.h"

#include "core/base/clock.h"

#include <math.h>
#include <string.h>
#include <utf8proc.h>

void emit_init(struct emit *emit, struct buffer *out)
{
    *emit = (struct emit){.out = out};
}

/* A run of bytes that JSON takes as they are. */
static size_t plain_run(const unsigned char *text)
{
    size_t n = 0;
    while (text[n] >= 0x20 && text[n] < 0x80 && text[n] != '"' && text[n] != '\\')
        n++;
    return n;
}

static size_t append_special(struct buffer *out, const unsigned char *text)
{
    if (*text < 0x20) {
        buffer_append_format(out, "\\u%04x", *text);
        return 1;
    }
    if (*text < 0x80) {
        char escaped[2] = {'\\', (char)*text};
        buffer_append(out, escaped, sizeof escaped);
        return 1;
    }
    utf8proc_int32_t point;
    utf8proc_ssize_t used = utf8proc_iterate(text, -1, &point);
    if (used <= 0) {
        buffer_append_text(out, "\xef\xbf\xbd");
        return 1;
    }
    buffer_append(out, text, (size_t)used);
    return (size_t)used;
}

static void append_quoted(struct buffer *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    buffer_append(out, "\"", 1);
    while (*at) {
        size_t n = plain_run(at);
        buffer_append(out, at, n);
        at += n;
        if (*at)
            at += append_special(out, at);
    }
    buffer_append(out, "\"", 1);
}

static void begin(struct emit *emit, const char *name)
{
    if (emit->needs_comma)
        buffer_append(emit->out, ",", 1);
    if (name) {
        append_quoted(emit->out, name);
        buffer_append(emit->out, ":", 1);
    }
    emit->needs_comma = true;
}

static void open(struct emit *emit, const char *name, const char *bracket)
{
    begin(emit, name);
    buffer_append(emit->out, bracket, 1);
    emit->needs_comma = false;
}

static void close(struct emit *emit, const char *bracket)
{
    buffer_append(emit->out, bracket, 1);
    emit->needs_comma = true;
}

void emit_open_object(struct emit *emit, const char *name)
{
    open(emit, name, "{");
}

void emit_close_object(struct emit *emit)
{
    close(emit, "}");
}

void emit_open_array(struct emit *emit, const char *name)
{
    open(emit, name, "[");
}

void emit_close_array(struct emit *emit)
{
    close(emit, "]");
}

void emit_text(struct emit *emit, const char *name, const char *text)
{
    begin(emit, name);
    if (text)
        append_quoted(emit->out, text);
    else
        buffer_append_text(emit->out, "null");
}

void emit_integer(struct emit *emit, const char *name, int64_t value)
{
    begin(emit, name);
    char digits[24], *at = digits + sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--at = '-';
    buffer_append(emit->out, at, (size_t)(digits + sizeof digits - at));
}

void emit_number(struct emit *emit, const char *name, double value, int digits)
{
    begin(emit, name);
    if (isfinite(value))
        buffer_append_format(emit->out, "%.*g", digits, value);
    else
        buffer_append_text(emit->out, "null");
}

void emit_boolean(struct emit *emit, const char *name, bool value)
{
    begin(emit, name);
    buffer_append_text(emit->out, value ? "true" : "false");
}

void emit_time(struct emit *emit, const char *name, int64_t at_ms)
{
    char text[CLOCK_TEXT_BYTES];
    clock_format(at_ms, text);
    emit_text(emit, name, at_ms == INT64_MIN ? NULL : text);
}

void emit_raw(struct emit *emit, const char *name, const char *json)
{
    begin(emit, name);
    buffer_append_text(emit->out, json ? json : "null");
}
