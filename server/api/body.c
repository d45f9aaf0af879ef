/* JSON documents are freed before anything is answered: what is kept of them was copied into the arena by the field tables. */
#include "server/api/body.h"

#include <string.h>

/* The whole body as a document; what is wrong with it becomes a mistake at its root. */
static enum status parse(struct arena *arena, const char *bytes, size_t n_bytes, struct node **out_document, struct mistakes *mistakes)
{
    struct error problem = {0};
    enum status status = node_parse(bytes, n_bytes, out_document, &problem);
    if (status == STATUS_INVALID)
        mistakes_add(mistakes, arena, "", "%s", problem.detail);
    return status;
}

enum status body_read(struct exchange *exchange, const struct fields *fields, void *out_record, uint64_t *present,
                      struct mistakes *mistakes)
{
    SCOPED(node_destroy) struct node *document = NULL;
    size_t n_bytes = 0;
    const char *bytes = exchange_body(exchange, &n_bytes);
    TRY(parse(exchange_arena(exchange), bytes, n_bytes, &document, mistakes));
    return fields_read(fields, document, "", exchange_arena(exchange), out_record, present, mistakes);
}

/* --- several at once --- */

struct batch_reader {
    struct arena *arena;
    const struct batch_kind *kind;
    size_t max;
    struct batch batch;
};

static enum status reserve(struct batch_reader *reader, size_t n, struct error *error)
{
    struct batch *batch = &reader->batch;
    if (n > reader->max)
        return fail(error, STATUS_LIMIT, "at most %zu %s at once, got %zu", reader->max, reader->kind->list_name, n);
    batch->records = arena_alloc_array(reader->arena, n + 1, reader->kind->fields->record_bytes);
    batch->rejections = arena_alloc_array(reader->arena, n + 1, sizeof *batch->rejections);
    return batch->records && batch->rejections ? STATUS_OK : STATUS_NOMEM;
}

/* Read one element behind those that were read; it stays there only if it is good. */
static enum status read_element(struct batch_reader *reader, const struct node *element, struct mistakes *mistakes)
{
    struct batch *batch = &reader->batch;
    const struct batch_kind *kind = reader->kind;
    struct error problem = {0};
    void *record = (char *)batch->records + batch->n_records * kind->fields->record_bytes;
    TRY(fields_read(kind->fields, element, "", reader->arena, record, NULL, mistakes));
    if (kind->check && kind->check(record, &problem) != STATUS_OK) {
        mistakes_add(mistakes, reader->arena, problem.pointer, "%s", problem.detail);
        return STATUS_INVALID;
    }
    batch->n_records++;
    return STATUS_OK;
}

/* status is that of reading the index-th element; a bad one is noted and the others go on. */
static enum status note_element(struct batch_reader *reader, size_t index, enum status status, const struct mistakes *mistakes)
{
    struct batch *batch = &reader->batch;
    if (status != STATUS_INVALID)
        return status;
    batch->rejections[batch->n_rejections++] =
        (struct rejection){.index = index, .pointer = mistakes->mistakes[0].pointer, .detail = mistakes->mistakes[0].detail};
    return STATUS_OK;
}

/* --- from a list --- */

struct strangers {
    struct arena *arena;
    const char *list_name;
    struct mistakes *mistakes;
};

static enum status refuse_stranger(void *context, const char *key, const struct node *value)
{
    const struct strangers *strangers = context;
    (void)value;
    if (strcmp(key, strangers->list_name) == 0)
        return STATUS_OK;
    mistakes_add(strangers->mistakes, strangers->arena, "", "unknown field beside \"%s\": \"%.48s\"", strangers->list_name, key);
    return STATUS_INVALID;
}

static enum status read_list(struct batch_reader *reader, const struct node *document, const struct node *list, struct mistakes *mistakes,
                             struct error *error)
{
    struct strangers strangers = {.arena = reader->arena, .list_name = reader->kind->list_name, .mistakes = mistakes};
    TRY(node_each(document, refuse_stranger, &strangers));
    if (node_kind(list) != NODE_ARRAY) {
        mistakes_add(mistakes, reader->arena, arena_format(reader->arena, "/%s", reader->kind->list_name), "expected a list, got %s",
                     node_kind_text(node_kind(list)));
        return STATUS_INVALID;
    }
    size_t n = node_count(list);
    TRY(reserve(reader, n, error));
    for (size_t i = 0; i < n; i++) {
        struct mistakes own = {.n_mistakes = 0};
        TRY(note_element(reader, i, read_element(reader, node_at(list, i), &own), &own));
    }
    return STATUS_OK;
}

static enum status read_json(struct batch_reader *reader, const char *bytes, size_t n_bytes, struct mistakes *mistakes, struct error *error)
{
    SCOPED(node_destroy) struct node *document = NULL;
    TRY(parse(reader->arena, bytes, n_bytes, &document, mistakes));
    const struct node *list = node_kind(document) == NODE_OBJECT ? node_get(document, reader->kind->list_name) : NULL;
    if (list)
        return read_list(reader, document, list, mistakes, error);
    TRY(reserve(reader, 1, error));
    return read_element(reader, document, mistakes);
}

/* --- from NDJSON --- */

/* The next line with anything on it, or NULL. */
static const char *next_line(const char **at, const char *end, size_t *out_n_bytes)
{
    while (*at < end) {
        const char *line = *at, *stop = memchr(line, '\n', (size_t)(end - line));
        *out_n_bytes = (size_t)((stop ? stop : end) - line);
        *at = stop ? stop + 1 : end;
        for (size_t i = 0; i < *out_n_bytes; i++)
            if (!strchr(" \t\r", line[i]) || !line[i])
                return line;
    }
    return NULL;
}

static enum status read_line(struct batch_reader *reader, const char *line, size_t n_bytes, struct mistakes *mistakes)
{
    SCOPED(node_destroy) struct node *document = NULL;
    TRY(parse(reader->arena, line, n_bytes, &document, mistakes));
    return read_element(reader, document, mistakes);
}

static enum status read_lines(struct batch_reader *reader, const char *bytes, size_t n_bytes, struct error *error)
{
    const char *at = bytes, *end = bytes + n_bytes, *line;
    size_t n = 0, n_line_bytes = 0;
    while (next_line(&at, end, &n_line_bytes))
        n++;
    TRY(reserve(reader, n, error));
    at = bytes;
    for (size_t i = 0; (line = next_line(&at, end, &n_line_bytes)); i++) {
        struct mistakes own = {.n_mistakes = 0};
        TRY(note_element(reader, i, read_line(reader, line, n_line_bytes, &own), &own));
    }
    return STATUS_OK;
}

enum status batch_read(struct exchange *exchange, const struct batch_kind *kind, size_t max, struct batch *out_batch,
                       struct mistakes *mistakes, struct error *error)
{
    size_t n_bytes = 0;
    const char *bytes = exchange_body(exchange, &n_bytes);
    struct batch_reader reader = {.arena = exchange_arena(exchange), .kind = kind, .max = max};
    if (exchange_body_kind(exchange) == BODY_NDJSON)
        TRY(read_lines(&reader, bytes, n_bytes, error));
    else
        TRY(read_json(&reader, bytes, n_bytes, mistakes, error));
    *out_batch = reader.batch;
    return STATUS_OK;
}

void batch_emit_rejections(const struct batch *batch, struct emit *emit)
{
    emit_open_array(emit, "rejected");
    for (size_t i = 0; i < batch->n_rejections; i++) {
        emit_open_object(emit, NULL);
        emit_integer(emit, "index", (int64_t)batch->rejections[i].index);
        emit_text(emit, "pointer", batch->rejections[i].pointer);
        emit_text(emit, "detail", batch->rejections[i].detail);
        emit_close_object(emit);
    }
    emit_close_array(emit);
}

/* --- PATCH --- */

static size_t member_bytes(enum field_kind kind)
{
    switch (kind) {
    case FIELD_ID:
    case FIELD_TEXT:
    case FIELD_JSON: return sizeof(const char *);
    case FIELD_NUMBER: return sizeof(double);
    case FIELD_INTEGER:
    case FIELD_TIME: return sizeof(int64_t);
    case FIELD_BOOLEAN: return sizeof(bool);
    case FIELD_IDS: return sizeof(struct texts);
    case FIELD_RECORDS: return sizeof(struct records);
    case FIELD_CHOICE: return sizeof(int);
    }
    return 0;
}

void record_overlay(const struct fields *fields, uint64_t present, const void *patch, void *record)
{
    for (size_t i = 0; i < fields->n_fields; i++)
        if (present >> i & 1)
            memcpy((char *)record + fields->fields[i].offset, (const char *)patch + fields->fields[i].offset,
                   member_bytes(fields->fields[i].kind));
}
