/* Lists are parsed again from the store's JSON: it is compact and bounded, and a catalogue of a million items is read in seconds. */
#include "server/app/item_words.h"

#include "core/base/node.h"

#include <string.h>

struct line {
    char *bytes;
    size_t n, max;
};

static void append(struct line *line, const char *text, size_t n_bytes, char end)
{
    size_t room = line->max - line->n, n = n_bytes < room ? n_bytes : room;
    memcpy(line->bytes + line->n, text, n);
    line->n += n;
    if (line->n < line->max)
        line->bytes[line->n++] = end;
}

static void append_text(struct line *line, const char *text)
{
    if (text && text[0])
        append(line, text, strlen(text), '\n');
}

static enum status append_list(struct line *line, const char *list)
{
    SCOPED(node_destroy) struct node *array = NULL;
    struct error ignored = {.detail = ""};
    if (!list)
        return STATUS_OK;
    enum status status = node_parse(list, strlen(list), &array, &ignored);
    if (status == STATUS_NOMEM)
        return status;
    if (status != STATUS_OK || node_kind(array) != NODE_ARRAY)
        return STATUS_OK;
    for (size_t i = 0; i < node_count(array); i++) {
        size_t n_bytes = 0;
        const struct node *member = node_at(array, i);
        const char *text = node_kind(member) == NODE_TEXT ? node_text(member, &n_bytes) : NULL;
        if (text)
            append(line, text, n_bytes, i + 1 < node_count(array) ? ' ' : '\n');
    }
    return STATUS_OK;
}

enum status item_words_write(const struct stored_item *row, char out[], size_t max_bytes, size_t *out_n)
{
    struct line line = {.bytes = out, .max = max_bytes};
    *out_n = 0;
    if (row->deleted)
        return STATUS_OK;
    append_text(&line, row->title);
    if (!row->predicted)
        TRY(append_list(&line, row->categories));
    TRY(append_list(&line, row->tags));
    append_text(&line, row->text);
    *out_n = line.n;
    return STATUS_OK;
}
