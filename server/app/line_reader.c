/* One buffer with room for the longest line; what is left of it moves to the front when more is needed. */
#include "server/app/line_reader.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES (LINE_MAX_BYTES + 262144u)

bool line_is_blank(const struct line *line)
{
    for (size_t i = 0; i < line->n_bytes; i++)
        if (!memchr(" \t\r\n", line->bytes[i], 4))
            return false;
    return !line->is_too_long;
}

struct line_reader {
    struct input_stream *stream;
    size_t at, end;  /* buffer[at … end) is not given yet */
    size_t searched; /* buffer[at … searched) has no line end */
    uint64_t number; /* of the last line given */
    bool is_at_end, has_begun;
    char buffer[BUFFER_BYTES];
};

struct line_reader *line_reader_create(struct input_stream *stream)
{
    struct line_reader *reader = malloc(sizeof *reader);
    if (!reader)
        return NULL;
    reader->stream = stream;
    reader->at = reader->end = reader->searched = 0;
    reader->number = 0;
    reader->is_at_end = reader->has_begun = false;
    return reader;
}

void line_reader_destroy(struct line_reader *reader)
{
    free(reader);
}

/* Read once more. */
static enum status fill(struct line_reader *reader, struct error *error)
{
    if (reader->at > 0) {
        memmove(reader->buffer, reader->buffer + reader->at, reader->end - reader->at);
        reader->end -= reader->at;
        reader->searched -= reader->at;
        reader->at = 0;
    }
    size_t n = 0;
    TRY(input_stream_read(reader->stream, reader->buffer + reader->end, sizeof reader->buffer - reader->end, &n, error));
    reader->end += n;
    reader->is_at_end = n == 0;
    return STATUS_OK;
}

static enum status begin(struct line_reader *reader, struct error *error)
{
    static const char mark[] = "\xef\xbb\xbf";
    while (!reader->has_begun && !reader->is_at_end && reader->end < sizeof mark - 1)
        TRY(fill(reader, error));
    if (!reader->has_begun && reader->end >= sizeof mark - 1 && memcmp(reader->buffer, mark, sizeof mark - 1) == 0)
        reader->at = reader->searched = sizeof mark - 1;
    reader->has_begun = true;
    return STATUS_OK;
}

/* Drop bytes up to and with the next line end. */
static enum status skip_line(struct line_reader *reader, struct error *error)
{
    for (;;) {
        const char *from = reader->buffer + reader->at, *found = memchr(from, '\n', reader->end - reader->at);
        reader->at = reader->searched = found ? (size_t)(found - reader->buffer) + 1 : reader->end;
        if (found || reader->is_at_end)
            return STATUS_OK;
        TRY(fill(reader, error));
    }
}

static void give(struct line_reader *reader, size_t n_bytes, struct line *out_line)
{
    *out_line = (struct line){.bytes = reader->buffer + reader->at, .n_bytes = n_bytes, .number = ++reader->number};
    reader->at += n_bytes;
    reader->searched = reader->at;
}

enum status line_reader_next(struct line_reader *reader, struct line *out_line, bool *out_has_line, struct error *error)
{
    TRY(begin(reader, error));
    for (;;) {
        const char *from = reader->buffer + reader->searched, *found = memchr(from, '\n', reader->end - reader->searched);
        size_t n_bytes = found ? (size_t)(found - reader->buffer) + 1 - reader->at : reader->end - reader->at;
        *out_has_line = true;
        if (n_bytes > LINE_MAX_BYTES) {
            TRY(skip_line(reader, error));
            *out_line = (struct line){.bytes = "", .number = ++reader->number, .is_too_long = true};
            return STATUS_OK;
        }
        if (found || (reader->is_at_end && n_bytes)) {
            give(reader, n_bytes, out_line);
            return STATUS_OK;
        }
        if (reader->is_at_end) {
            *out_has_line = false;
            return STATUS_OK;
        }
        reader->searched = reader->end;
        TRY(fill(reader, error));
    }
}

enum status line_reader_peek(struct line_reader *reader, char *out_first, struct error *error)
{
    TRY(begin(reader, error));
    for (size_t i = reader->at;; i++) {
        while (i == reader->end && !reader->is_at_end && reader->end < sizeof reader->buffer) {
            size_t moved = reader->at;
            TRY(fill(reader, error));
            i -= moved;
        }
        if (i >= reader->end) {
            *out_first = 0;
            return STATUS_OK;
        }
        if (!strchr(" \t\r\n", reader->buffer[i]) || reader->buffer[i] == '\0') {
            *out_first = reader->buffer[i];
            return STATUS_OK;
        }
    }
}
