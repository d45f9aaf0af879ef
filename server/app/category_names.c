/* Lines as line_reader.h gives them; each must be what a category may be, since it becomes one. */
#include "server/app/category_names.h"

#include "core/base/utf8.h"
#include "server/app/line_reader.h"

#include <string.h>

/* The line without its end, in the arena. */
static enum status take_line(struct category_names *names, const struct line *line, uint32_t most, struct arena *arena, struct error *error)
{
    size_t n = line->n_bytes;
    if (n > 0 && line->bytes[n - 1] == '\n')
        n--;
    if (n > 0 && line->bytes[n - 1] == '\r')
        n--;
    if (names->n == most)
        return fail(error, STATUS_INVALID, "line %llu is too many: at most %u are expected", (unsigned long long)line->number, most);
    if (line_is_blank(line) || !utf8_is_id(line->bytes, n))
        return fail(error, STATUS_INVALID, "line %llu: expected the name of category %u, 1 to %d bytes of UTF-8 without control characters",
                    (unsigned long long)line->number, names->n, ID_MAX_BYTES);
    const char *name = arena_copy(arena, line->bytes, n);
    if (!name)
        return fail(error, STATUS_NOMEM, "no memory for the names");
    names->names[names->n++] = name;
    return STATUS_OK;
}

static enum status read_lines(struct category_names *names, uint32_t most, struct arena *arena, struct error *error)
{
    SCOPED(input_stream_close) struct input_stream *stream = NULL;
    TRY(input_stream_open(names->path, &stream, error));
    SCOPED(line_reader_destroy) struct line_reader *lines = line_reader_create(stream);
    if (!lines)
        return fail(error, STATUS_NOMEM, "no memory to read it");
    for (bool has_line = true;;) {
        struct line line;
        TRY(line_reader_next(lines, &line, &has_line, error));
        if (!has_line)
            return STATUS_OK;
        TRY(take_line(names, &line, most, arena, error));
    }
}

static enum status take_numbers(struct category_names *names, uint32_t most, struct arena *arena, struct error *error)
{
    for (; names->n < most; names->n++) {
        names->names[names->n] = arena_format(arena, "%u", names->n);
        if (!names->names[names->n])
            return fail(error, STATUS_NOMEM, "no memory for the names");
    }
    return STATUS_OK;
}

enum status category_names_read(const char *path, uint32_t most, struct arena *arena, struct category_names *out_names, struct error *error)
{
    struct category_names names = {.path = path, .names = arena_alloc_array(arena, most, sizeof *names.names)};
    struct error reason = {.detail = ""};
    if (!names.names)
        return fail(error, STATUS_NOMEM, "no memory for the names");
    enum status status = path ? read_lines(&names, most, arena, &reason) : take_numbers(&names, most, arena, &reason);
    if (status != STATUS_OK)
        return fail(error, status, "%.100s: %.150s", path ? path : "names", reason.detail);
    *out_names = names;
    return STATUS_OK;
}
