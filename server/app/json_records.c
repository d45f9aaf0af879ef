/* A line is parsed, told apart by its ids and read by the table of its kind. Blank lines are nothing. */
#include "server/app/json_records.h"

#include <string.h>

static enum status read_object(const struct node *object, struct arena *arena, struct import_record *record)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    if (node_kind(object) != NODE_OBJECT) {
        mistakes_add(&mistakes, arena, "", "expected a JSON object, got %s", node_kind_text(node_kind(object)));
        record_refuse(record, arena, &mistakes);
        return STATUS_OK;
    }
    record->kind = record_kind_of(node_get(object, "user_id") != NULL, node_get(object, "item_id") != NULL);
    if (record->kind == RECORD_REFUSED) {
        record_refuse_because(record, arena, "neither an event (user_id, item_id, type) nor an item (item_id) nor a user (user_id)");
        return STATUS_OK;
    }
    enum status status = fields_read(record_fields[record->kind], object, "", arena, record_body(record), NULL, &mistakes);
    if (status == STATUS_OK)
        record_complete(record, arena);
    if (status == STATUS_INVALID) {
        record_refuse(record, arena, &mistakes);
        return STATUS_OK;
    }
    return status;
}

/* "(line 1, column 4)": the number of the line is said already. */
static void drop_line_one(char *words)
{
    static const char place[] = "(line 1, ";
    char *found = strstr(words, place);
    if (found)
        memmove(found + 1, found + sizeof place - 1, strlen(found + sizeof place - 1) + 1);
}

static enum status read_line(const struct line *line, struct arena *arena, struct import_record *record, struct error *error)
{
    struct error reason = {0};
    SCOPED(node_destroy) struct node *document = NULL;
    if (line->is_too_long) {
        record_refuse_because(record, arena, "longer than 1 MiB");
        return STATUS_OK;
    }
    enum status status = node_parse(line->bytes, line->n_bytes, &document, &reason);
    if (status == STATUS_INVALID) {
        drop_line_one(reason.detail);
        record_refuse_because(record, arena, reason.detail);
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = read_object(document, arena, record);
    return status == STATUS_OK ? STATUS_OK : fail(error, status, "no memory for line %llu", (unsigned long long)line->number);
}

enum status json_records_read(struct line_reader *reader, const struct record_sink *sink, struct error *error)
{
    struct line line;
    for (bool has_line = true;;) {
        TRY(line_reader_next(reader, &line, &has_line, error));
        if (!has_line)
            return STATUS_OK;
        if (line_is_blank(&line))
            continue;
        struct arena *arena = sink->prepare(sink->context, line.n_bytes);
        if (!arena)
            return fail(error, STATUS_CONFLICT, "stopped");
        struct import_record record = {.kind = RECORD_REFUSED, .line = line.number};
        TRY(read_line(&line, arena, &record, error));
        sink->accept(sink->context, &record);
    }
}
