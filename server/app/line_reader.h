/* Lines of a stream, numbered from 1. A line longer than LINE_MAX_BYTES is told and skipped, in bounded memory. Threads: one at a time. */
#ifndef APP_LINE_READER_H
#define APP_LINE_READER_H

#include "server/app/input_stream.h"

#include <stdbool.h>

#define LINE_MAX_BYTES (1u << 20)

struct line {
    const char *bytes; /* with the line end, if there is one; good until the next call */
    size_t n_bytes;
    uint64_t number;
    bool is_too_long; /* bytes is then empty */
};

/* Nothing but blanks? */
bool line_is_blank(const struct line *line);

struct line_reader;

/* Borrows stream. A byte order mark at the beginning is skipped. NULL on no memory. */
struct line_reader *line_reader_create(struct input_stream *stream);
void line_reader_destroy(struct line_reader *reader); /* accepts NULL */
DEFINE_SCOPED(struct line_reader *, line_reader_destroy);

/* *out_has_line = false is the end. Fails as input_stream_read does; what was read of an unfinished line is not given then. */
enum status line_reader_next(struct line_reader *reader, struct line *out_line, bool *out_has_line, struct error *error) MUST_CHECK;

/* The first byte that is not a blank or line end, without reading past it; 0: there is none in what the buffer takes. Call before the first
 * line_reader_next. */
enum status line_reader_peek(struct line_reader *reader, char *out_first, struct error *error) MUST_CHECK;

#endif
