/* libcsv is fed line by line, so that an open quote cannot swallow more than LINE_MAX_BYTES: a row that grows beyond is refused, and
 * reading goes on behind it with a fresh parser. The first row is the header; it says what all others are. */
#include "server/app/csv_records.h"

#include "core/base/buffer.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 64u

struct csv_rows {
    struct csv_parser parser;
    const struct record_sink *sink;
    struct error *error;
    enum status status;         /* not OK: stop reading */
    struct buffer cells;        /* of the row: texts, each with its NUL */
    size_t starts[COLUMNS_MAX]; /* of cells in it */
    size_t n_cells;             /* may be larger than COLUMNS_MAX; those are counted only */
    bool has_nul;               /* a cell with a NUL in it: never what anybody means */
    uint64_t first_line;        /* of the row */
    size_t n_row_bytes;         /* fed since the last row ended */
    enum record_kind kind;      /* RECORD_REFUSED: the header was not read yet */
    const struct field *columns[COLUMNS_MAX];
    size_t n_columns;
};

/* Blanks belong to the cell. */
static int is_space(unsigned char byte)
{
    (void)byte;
    return 0;
}

static void begin_row(struct csv_rows *rows)
{
    buffer_reset(&rows->cells);
    rows->n_cells = 0;
    rows->has_nul = false;
    rows->n_row_bytes = 0;
}

static enum status begin_parser(struct csv_rows *rows)
{
    begin_row(rows);
    if (csv_init(&rows->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL))
        return fail(rows->error, STATUS_NOMEM, "no memory to read CSV");
    csv_set_space_func(&rows->parser, is_space);
    return STATUS_OK;
}

static const char *cell_text(const struct csv_rows *rows, size_t cell)
{
    return rows->cells.bytes + rows->starts[cell];
}

/* --- the header --- */

static bool has_cell(const struct csv_rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->n_cells; i++)
        if (strcmp(cell_text(rows, i), name) == 0)
            return true;
    return false;
}

static enum status read_column(struct csv_rows *rows, size_t column)
{
    const struct fields *fields = record_fields[rows->kind];
    const char *name = cell_text(rows, column);
    rows->columns[column] = fields_find(fields, name);
    if (!rows->columns[column])
        return fail(rows->error, STATUS_INVALID, "the column \"%.60s\" is none of the fields that %s has", name, fields->what);
    for (size_t i = 0; i < column; i++)
        if (rows->columns[i] == rows->columns[column])
            return fail(rows->error, STATUS_INVALID, "the column \"%.60s\" is there twice", name);
    return STATUS_OK;
}

static enum status read_header(struct csv_rows *rows)
{
    if (rows->n_cells > COLUMNS_MAX || rows->has_nul)
        return fail(rows->error, STATUS_INVALID,
                    "neither NDJSON nor CSV: the first line has more than %u columns, or bytes that are no text", COLUMNS_MAX);
    enum record_kind kind = record_kind_of(has_cell(rows, "user_id"), has_cell(rows, "item_id"));
    if (kind == RECORD_REFUSED)
        return fail(rows->error, STATUS_INVALID,
                    "neither NDJSON nor CSV: the first line is no JSON object, and no header with the column user_id or item_id");
    rows->kind = kind;
    rows->n_columns = rows->n_cells;
    for (size_t i = 0; i < rows->n_columns; i++)
        TRY(read_column(rows, i));
    const struct fields *fields = record_fields[kind];
    for (size_t i = 0; i < fields->n_fields; i++)
        if (fields->fields[i].required && !has_cell(rows, fields->fields[i].name))
            return fail(rows->error, STATUS_INVALID, "the column \"%s\" is missing: %s must have it", fields->fields[i].name, fields->what);
    return STATUS_OK;
}

/* --- rows --- */

static enum status read_cells(struct csv_rows *rows, struct arena *arena, void *body, struct mistakes *mistakes)
{
    enum status worst = STATUS_OK;
    for (size_t i = 0; i < rows->n_columns; i++) {
        const struct field *field = rows->columns[i];
        const char *text = cell_text(rows, i);
        if (!*text && field->required)
            mistakes_add(mistakes, arena, field->name, "required, but the cell is empty");
        if (!*text)
            continue;
        enum status status = field_read_text(field, text, '|', field->name, arena, body, mistakes);
        if (status != STATUS_OK)
            worst = status;
        if (status == STATUS_NOMEM)
            return status;
    }
    return mistakes->n_mistakes ? STATUS_INVALID : worst;
}

static enum status read_row(struct csv_rows *rows, struct arena *arena, struct import_record *record)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    record->kind = rows->kind;
    void *body = record_body(record);
    const struct fields *fields = record_fields[rows->kind];
    if (fields->defaults)
        memcpy(body, fields->defaults, fields->record_bytes);
    enum status status = STATUS_INVALID;
    if (rows->n_cells != rows->n_columns)
        mistakes_add(&mistakes, arena, "", "expected %zu cells as in the header, got %zu", rows->n_columns, rows->n_cells);
    else if (rows->has_nul)
        mistakes_add(&mistakes, arena, "", "a cell has a NUL in it");
    else
        status = read_cells(rows, arena, body, &mistakes);
    if (status == STATUS_OK)
        record_complete(record, arena);
    if (status != STATUS_INVALID)
        return status;
    record_refuse(record, arena, &mistakes);
    return STATUS_OK;
}

static enum status give_row(struct csv_rows *rows, const char *refused_because)
{
    struct arena *arena = rows->sink->prepare(rows->sink->context, rows->n_row_bytes);
    if (!arena)
        return fail(rows->error, STATUS_CONFLICT, "stopped");
    struct import_record record = {.kind = RECORD_REFUSED, .line = rows->first_line};
    if (refused_because)
        record_refuse_because(&record, arena, refused_because);
    else if (read_row(rows, arena, &record) != STATUS_OK)
        return fail(rows->error, STATUS_NOMEM, "no memory for line %llu", (unsigned long long)rows->first_line);
    rows->sink->accept(rows->sink->context, &record);
    return STATUS_OK;
}

static void end_cell(void *bytes, size_t n_bytes, void *context)
{
    struct csv_rows *rows = context;
    if (rows->n_cells < COLUMNS_MAX) {
        rows->starts[rows->n_cells] = rows->cells.n_bytes;
        rows->has_nul |= n_bytes && memchr(bytes, '\0', n_bytes);
        buffer_append(&rows->cells, bytes, n_bytes);
        buffer_append(&rows->cells, "", 1);
    }
    rows->n_cells++;
}

static void end_row(int end_byte, void *context)
{
    struct csv_rows *rows = context;
    (void)end_byte;
    if (rows->cells.failed) /* its limit is above that of a row, so it was not the limit */
        rows->status = fail(rows->error, STATUS_NOMEM, "no memory for line %llu", (unsigned long long)rows->first_line);
    if (rows->status == STATUS_OK)
        rows->status = rows->kind == RECORD_REFUSED ? read_header(rows) : give_row(rows, NULL);
    begin_row(rows);
}

/* Refuse what has come of the row, and begin again behind it. A header cannot be refused alone. */
static enum status drop_row(struct csv_rows *rows, const char *reason)
{
    if (rows->kind == RECORD_REFUSED)
        return fail(rows->error, STATUS_INVALID, "neither NDJSON nor CSV: the header: %s", reason);
    TRY(give_row(rows, reason));
    csv_free(&rows->parser);
    return begin_parser(rows);
}

static enum status feed(struct csv_rows *rows, const struct line *line)
{
    if (!rows->n_row_bytes)
        rows->first_line = line->number;
    rows->n_row_bytes += line->n_bytes;
    if (line->is_too_long || rows->n_row_bytes > LINE_MAX_BYTES)
        return drop_row(rows, "longer than 1 MiB");
    size_t n_read = csv_parse(&rows->parser, line->bytes, line->n_bytes, end_cell, end_row, rows);
    TRY(rows->status);
    if (n_read == line->n_bytes)
        return STATUS_OK;
    if (csv_error(&rows->parser) == CSV_ENOMEM)
        return fail(rows->error, STATUS_NOMEM, "no memory for line %llu", (unsigned long long)line->number);
    return drop_row(rows, "not valid CSV: a quote inside a cell must be doubled, and the cell in quotes");
}

static enum status feed_all(struct csv_rows *rows, struct line_reader *reader)
{
    struct line line;
    for (bool has_line = true;;) {
        TRY(line_reader_next(reader, &line, &has_line, rows->error));
        if (!has_line)
            break;
        if (!line_is_blank(&line) || rows->n_row_bytes) /* a blank line between rows is nothing, inside quotes it is text */
            TRY(feed(rows, &line));
    }
    if (csv_fini(&rows->parser, end_cell, end_row, rows))
        TRY(drop_row(rows, "the file ends inside a cell in quotes"));
    return rows->status;
}

enum status csv_records_read(struct line_reader *reader, const struct record_sink *sink, struct error *error)
{
    SCOPED(memory_free) struct csv_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        return fail(error, STATUS_NOMEM, "no memory to read CSV");
    rows->sink = sink;
    rows->error = error;
    rows->kind = RECORD_REFUSED;
    buffer_init(&rows->cells, 2 * LINE_MAX_BYTES);
    TRY(begin_parser(rows));
    enum status status = feed_all(rows, reader);
    csv_free(&rows->parser);
    buffer_clear(&rows->cells);
    return status;
}
