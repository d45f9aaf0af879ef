/* Lines as line_reader.h gives them; as many as the network has outputs, so a file of another model is noticed. */
#include "server/exchange/category_names.h"

#include "core/base/utf8.h"
#include "core/picture_model.h"
#include "server/app/line_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct category_names {
    uint32_t n;
    const char *names[PICTURE_CATEGORIES_MAX];
    char texts[PICTURE_CATEGORIES_MAX][ID_MAX_BYTES + 1];
};

void category_names_destroy(struct category_names *names)
{
    free(names);
}

const char *const *category_names_get(const struct category_names *names)
{
    return names->names;
}

static bool is_taken(const struct category_names *names, const char *text)
{
    for (uint32_t c = 0; c < names->n; c++)
        if (strcmp(names->names[c], text) == 0)
            return true;
    return false;
}

static enum status take_line(struct category_names *names, const struct line *line, uint32_t n_wanted, struct error *error)
{
    size_t n = line->n_bytes;
    if (n > 0 && line->bytes[n - 1] == '\n')
        n--;
    if (n > 0 && line->bytes[n - 1] == '\r')
        n--;
    if (names->n == n_wanted)
        return fail(error, STATUS_INVALID, "line %llu is too many: the model has %u categories", (unsigned long long)line->number,
                    n_wanted);
    if (line_is_blank(line) || !utf8_is_id(line->bytes, n))
        return fail(error, STATUS_INVALID, "line %llu: expected the name of category %u, 1 to %d bytes of UTF-8 without control characters",
                    (unsigned long long)line->number, names->n, ID_MAX_BYTES);
    char *text = names->texts[names->n];
    memcpy(text, line->bytes, n);
    text[n] = '\0';
    if (is_taken(names, text))
        return fail(error, STATUS_INVALID, "line %llu: \"%.100s\" is there twice", (unsigned long long)line->number, text);
    names->names[names->n++] = text;
    return STATUS_OK;
}

static enum status read_lines(struct category_names *names, const char *path, uint32_t n_wanted, struct error *error)
{
    SCOPED(input_stream_close) struct input_stream *stream = NULL;
    TRY(input_stream_open(path, &stream, error));
    SCOPED(line_reader_destroy) struct line_reader *lines = line_reader_create(stream);
    if (!lines)
        return fail(error, STATUS_NOMEM, "no memory to read it");
    for (bool has_line = true;;) {
        struct line line;
        TRY(line_reader_next(lines, &line, &has_line, error));
        if (!has_line)
            break;
        TRY(take_line(names, &line, n_wanted, error));
    }
    if (names->n < n_wanted)
        return fail(error, STATUS_INVALID, "%u lines; the model has %u categories", names->n, n_wanted);
    return STATUS_OK;
}

enum status category_names_read(const char *path, uint32_t n, struct category_names **out_names, struct error *error)
{
    SCOPED(category_names_destroy) struct category_names *names = calloc(1, sizeof *names);
    struct error reason = {.detail = ""};
    if (!names)
        return fail(error, STATUS_NOMEM, "no memory for the names");
    if (n > PICTURE_CATEGORIES_MAX)
        return fail(error, STATUS_INVALID, "the model has %u categories; %u are possible", n, PICTURE_CATEGORIES_MAX);
    for (; !path && names->n < n; names->n++) {
        (void)snprintf(names->texts[names->n], sizeof names->texts[0], "%u", names->n);
        names->names[names->n] = names->texts[names->n];
    }
    enum status status = path ? read_lines(names, path, n, &reason) : STATUS_OK;
    if (status != STATUS_OK)
        return fail(error, status, "%.60s: %.190s", path, reason.detail);
    *out_names = names;
    names = NULL;
    return STATUS_OK;
}
