/* What is said about a field that is wrong. Everything is put together in small buffers with a limit: hostile input makes short messages.
 */
#include "core/base/field_words.h"

#include "core/base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORDS_BYTES  1024u /* of one mistake */
#define QUOTED_BYTES 48u   /* longer texts from outside are not repeated in messages */
#define KEY_BYTES    128u  /* longer keys are cut in pointers */

/* --- mistakes --- */

static void keep_mistake(struct mistakes *mistakes, struct arena *arena, const char *pointer, const char *detail)
{
    if (mistakes->n_mistakes == MISTAKES_MAX)
        return;
    const char *kept_pointer = arena_copy(arena, pointer, strlen(pointer)), *kept_detail = arena_copy(arena, detail, strlen(detail));
    mistakes->mistakes[mistakes->n_mistakes++] = (struct mistake){
        .pointer = kept_pointer ? kept_pointer : "", .detail = kept_detail ? kept_detail : "not valid (and no memory to say why)"};
}

void mistakes_add(struct mistakes *mistakes, struct arena *arena, const char *pointer, const char *format, ...)
{
    char detail[WORDS_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    keep_mistake(mistakes, arena, pointer, detail);
}

/* The longest start of text that has at most max bytes and does not end inside a character. */
static size_t cut_length(const char *text, size_t max)
{
    size_t n = strnlen(text, max + 1);
    if (n <= max)
        return n;
    for (n = max; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80;)
        n--;
    return n;
}

/* RFC 6901: "~" is written "~0", "/" is "~1". */
static void append_key(struct buffer *out, const char *key)
{
    size_t n = cut_length(key, KEY_BYTES);
    for (size_t i = 0; i < n; i++) {
        if (key[i] == '~' || key[i] == '/')
            buffer_append(out, key[i] == '~' ? "~0" : "~1", 2);
        else
            buffer_append(out, key + i, 1);
    }
}

static void append_place(struct buffer *out, const struct place *place)
{
    if (!place->outer) {
        buffer_append_text(out, place->key);
        return;
    }
    append_place(out, place->outer);
    buffer_append(out, "/", 1);
    if (place->key)
        append_key(out, place->key);
    else
        buffer_append_format(out, "%zu", place->index);
}

static enum status say(struct reading *reading, const struct place *place, const char *detail)
{
    SCOPED(buffer_clear) struct buffer pointer;
    buffer_init(&pointer, 4096);
    append_place(&pointer, place);
    keep_mistake(reading->mistakes, reading->arena, pointer.bytes ? pointer.bytes : "", detail);
    return STATUS_INVALID;
}

/* --- words --- */

static void append_range(struct buffer *out, const struct field *field, const char *what)
{
    buffer_append_text(out, what);
    if (!(field->least < field->most))
        return;
    if (field->least > -HUGE_VAL && field->most < HUGE_VAL)
        buffer_append_format(out, " from %.15g to %.15g", field->least, field->most);
    else if (field->least > -HUGE_VAL)
        buffer_append_format(out, " of %.15g or more", field->least);
    else if (field->most < HUGE_VAL)
        buffer_append_format(out, " of %.15g or less", field->most);
}

static void append_choices(struct buffer *out, const char *const *choices)
{
    buffer_append_text(out, "one of");
    for (size_t i = 0; choices[i]; i++)
        buffer_append_format(out, "%s \"%s\"", i ? "," : "", choices[i]);
}

static void append_expected(struct buffer *out, const struct field *field)
{
    buffer_append_text(out, "expected ");
    switch (field->kind) {
    case FIELD_ID: buffer_append_format(out, "a string of 1 to %d bytes without control characters", ID_MAX_BYTES); break;
    case FIELD_TEXT:
        if (field->shape)
            buffer_append_text(out, field->shape);
        else
            buffer_append_format(out, "a string of up to %zu bytes", field->max);
        break;
    case FIELD_NUMBER: append_range(out, field, "a number"); break;
    case FIELD_INTEGER: append_range(out, field, "a whole number"); break;
    case FIELD_BOOLEAN: buffer_append_text(out, "true or false"); break;
    case FIELD_TIME: buffer_append_text(out, "a time like \"2026-11-24T10:51:07Z\" (RFC 3339) or whole Unix milliseconds"); break;
    case FIELD_IDS: buffer_append_format(out, "a list of up to %zu strings of 1 to %d bytes", field->max, ID_MAX_BYTES); break;
    case FIELD_JSON: buffer_append_format(out, "an object of up to %zu bytes as compact JSON", field->max); break;
    case FIELD_RECORDS: buffer_append_format(out, "a list of up to %zu objects", field->max); break;
    case FIELD_CHOICE: append_choices(out, field->choices); break;
    }
}

static void append_quoted(struct buffer *out, const char *text)
{
    size_t n = strlen(text);
    if (!utf8_valid(text, n)) {
        buffer_append_text(out, "bytes that are no UTF-8");
        return;
    }
    if (n > QUOTED_BYTES) {
        buffer_append_format(out, "a string of %zu bytes", n);
        return;
    }
    buffer_append(out, "\"", 1);
    for (size_t i = 0; i < n; i++)
        buffer_append(out, (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? "?" : text + i, 1);
    buffer_append(out, "\"", 1);
}

static void append_got(struct buffer *out, const struct field *field, const struct node *value)
{
    enum node_kind kind = node_kind(value);
    bool wants_number = field->kind == FIELD_NUMBER || field->kind == FIELD_INTEGER || field->kind == FIELD_TIME;
    bool wants_list = field->kind == FIELD_IDS || field->kind == FIELD_RECORDS;
    if (kind == NODE_TEXT)
        append_quoted(out, node_text(value, NULL));
    else if (wants_number && kind == NODE_INTEGER)
        buffer_append_format(out, "%" PRId64, node_integer(value));
    else if (wants_number && kind == NODE_REAL)
        buffer_append_format(out, "%.15g", node_number(value));
    else if (wants_list && kind == NODE_ARRAY)
        buffer_append_format(out, "a list of %zu", node_count(value));
    else
        buffer_append_text(out, field->kind == FIELD_JSON && kind == NODE_OBJECT ? "a longer one" : node_kind_text(kind));
}

enum status say_expected(struct reading *reading, const struct place *place, const struct field *field, const struct node *value,
                         const char *text)
{
    SCOPED(buffer_clear) struct buffer words;
    buffer_init(&words, WORDS_BYTES);
    append_expected(&words, field);
    buffer_append_text(&words, ", got ");
    if (value)
        append_got(&words, field, value);
    else
        append_quoted(&words, text);
    return say(reading, place, words.bytes ? words.bytes : "not valid");
}

enum status say_missing(struct reading *reading, const struct place *place, const struct field *field)
{
    SCOPED(buffer_clear) struct buffer words;
    buffer_init(&words, WORDS_BYTES);
    buffer_append_text(&words, "required, but not there: ");
    append_expected(&words, field);
    return say(reading, place, words.bytes ? words.bytes : "required");
}

enum status say_unknown(struct reading *reading, const struct place *place, const struct fields *fields)
{
    SCOPED(buffer_clear) struct buffer words;
    buffer_init(&words, WORDS_BYTES);
    buffer_append_format(&words, "unknown field: %s has", fields->what);
    for (size_t i = 0; i < fields->n_fields; i++)
        buffer_append_format(&words, "%s %s", i ? "," : "", fields->fields[i].name);
    return say(reading, place, words.bytes ? words.bytes : "unknown field");
}

enum status say_no_object(struct reading *reading, const struct place *place, const struct fields *fields, const struct node *value)
{
    char detail[WORDS_BYTES];
    (void)snprintf(detail, sizeof detail, "expected an object (%s), got %s", fields->what, node_kind_text(node_kind(value)));
    return say(reading, place, detail);
}
