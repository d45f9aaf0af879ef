/* Lines as line_reader.h gives them; each must be what a category may be, since it becomes one. */
#include "server/app/label_names.h"

#include "core/base/utf8.h"
#include "server/app/line_reader.h"

#include <string.h>

/* The line without its end, in the arena. */
static enum status take_line(struct label_names *names, const struct line *line, struct arena *arena, struct error *error)
{
    size_t n = line->n_bytes;
    if (n > 0 && line->bytes[n - 1] == '\n')
        n--;
    if (n > 0 && line->bytes[n - 1] == '\r')
        n--;
    if (names->n_names == LABELS_MAX)
        return fail(error, STATUS_INVALID, "line %llu is too many: a label is a byte, so at most %u lines are expected",
                    (unsigned long long)line->number, LABELS_MAX);
    if (line_is_blank(line) || !utf8_is_id(line->bytes, n))
        return fail(error, STATUS_INVALID, "line %llu: expected the name of label %zu, 1 to %d bytes of UTF-8 without control characters",
                    (unsigned long long)line->number, names->n_names, ID_MAX_BYTES);
    const char *name = arena_copy(arena, line->bytes, n);
    if (!name)
        return fail(error, STATUS_NOMEM, "no memory for the names");
    names->names[names->n_names++] = name;
    return STATUS_OK;
}

static enum status read_lines(struct label_names *names, struct arena *arena, struct error *error)
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
        TRY(take_line(names, &line, arena, error));
    }
}

static enum status number_labels(struct label_names *names, struct arena *arena, struct error *error)
{
    for (; names->n_names < LABELS_MAX; names->n_names++) {
        names->names[names->n_names] = arena_format(arena, "%zu", names->n_names);
        if (!names->names[names->n_names])
            return fail(error, STATUS_NOMEM, "no memory for the names");
    }
    return STATUS_OK;
}

enum status label_names_read(const char *path, struct arena *arena, struct label_names *out_names, struct error *error)
{
    struct label_names names = {.path = path};
    struct error reason = {0};
    enum status status = path ? read_lines(&names, arena, &reason) : number_labels(&names, arena, &reason);
    if (status != STATUS_OK)
        return fail(error, status, "%.100s: %.150s", path ? path : "labels", reason.detail);
    *out_names = names;
    return STATUS_OK;
}
