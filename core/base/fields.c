/* One loop over the members of an object; what differs between the kinds of fields is in one switch for JSON and one for plain text.
 *
 * A function that returns STATUS_INVALID below read_value has not said why yet: the caller that knows the place adds the mistake. Places
 * are a list on the stack and become a JSON pointer only when there is something to say. */
#include "core/base/fields.h"

#include "core/base/clock.h"
#include "core/base/field_words.h"
#include "core/base/utf8.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_INTEGER 9007199254740992.0 /* 2^53: every whole double up to it is the number that was written */

static const int64_t first_time_ms = INT64_C(-62167219200000), last_time_ms = INT64_C(253402300799999); /* years 0000 to 9999 */

/* --- values, from wherever they came: STATUS_INVALID says nothing yet --- */

static enum status put_copy(struct arena *arena, const char *text, size_t n, void *member)
{
    const char *copy = arena_copy(arena, text, n);
    if (!copy)
        return STATUS_NOMEM;
    memcpy(member, &copy, sizeof copy);
    return STATUS_OK;
}

static enum status put_number(const struct field *field, double number, void *member)
{
    if (!isfinite(number) || (field->least < field->most && (number < field->least || number > field->most)))
        return STATUS_INVALID;
    memcpy(member, &number, sizeof number);
    return STATUS_OK;
}

static enum status put_integer(const struct field *field, int64_t number, void *member)
{
    if (field->least < field->most && ((double)number < field->least || (double)number > field->most))
        return STATUS_INVALID;
    memcpy(member, &number, sizeof number);
    return STATUS_OK;
}

static enum status put_time(int64_t at_ms, void *member)
{
    if (at_ms < first_time_ms || at_ms > last_time_ms)
        return STATUS_INVALID;
    memcpy(member, &at_ms, sizeof at_ms);
    return STATUS_OK;
}

static enum status put_choice(const struct field *field, const char *text, void *member)
{
    for (int i = 0; field->choices[i]; i++) {
        if (strcmp(field->choices[i], text) == 0) {
            memcpy(member, &i, sizeof i);
            return STATUS_OK;
        }
    }
    return STATUS_INVALID;
}

static enum status put_object(struct arena *arena, const struct field *field, const struct node *value, void *member)
{
    if (node_kind(value) != NODE_OBJECT)
        return STATUS_INVALID;
    SCOPED(buffer_clear) struct buffer text;
    buffer_init(&text, field->max);
    node_dump(value, &text);
    if (text.failed)
        return text.out_of_memory ? STATUS_NOMEM : STATUS_INVALID;
    return put_copy(arena, text.bytes, text.n_bytes, member);
}

static enum status put_text(struct arena *arena, const struct field *field, const char *text, size_t n, void *member)
{
    switch (field->kind) {
    case FIELD_ID: return utf8_is_id(text, n) ? put_copy(arena, text, n, member) : STATUS_INVALID;
    case FIELD_TEXT:
        if (n > field->max || !utf8_valid(text, n) || (field->accepts && !field->accepts(text, n)))
            return STATUS_INVALID;
        return put_copy(arena, text, n, member);
    case FIELD_CHOICE: return put_choice(field, text, member);
    case FIELD_TIME: {
        int64_t at_ms;
        return clock_parse(text, &at_ms) ? put_time(at_ms, member) : STATUS_INVALID;
    }
    case FIELD_NUMBER:
    case FIELD_INTEGER:
    case FIELD_BOOLEAN:
    case FIELD_IDS:
    case FIELD_JSON:
    case FIELD_RECORDS: return STATUS_INVALID;
    }
    return STATUS_INVALID;
}

/* --- from JSON --- */

/* 3.0 and 3e0 are whole numbers too. */
static bool whole_number(const struct node *value, int64_t *out_number)
{
    if (node_kind(value) == NODE_INTEGER) {
        *out_number = node_integer(value);
        return true;
    }
    double number = node_kind(value) == NODE_REAL ? node_number(value) : NAN;
    if (!(fabs(number) <= EXACT_INTEGER) || number != floor(number))
        return false;
    *out_number = (int64_t)number;
    return true;
}

static enum status read_scalar(struct reading *reading, const struct field *field, const struct node *value, void *member)
{
    enum node_kind kind = node_kind(value);
    int64_t number;
    if (kind == NODE_TEXT) {
        size_t n;
        const char *text = node_text(value, &n);
        return put_text(reading->arena, field, text, n, member);
    }
    if (field->kind == FIELD_NUMBER && (kind == NODE_INTEGER || kind == NODE_REAL))
        return put_number(field, node_number(value), member);
    if (field->kind == FIELD_INTEGER && whole_number(value, &number))
        return put_integer(field, number, member);
    if (field->kind == FIELD_TIME && whole_number(value, &number))
        return put_time(number, member);
    if (field->kind == FIELD_JSON)
        return put_object(reading->arena, field, value, member);
    if (field->kind != FIELD_BOOLEAN || kind != NODE_BOOLEAN)
        return STATUS_INVALID;
    bool is_true = node_boolean(value);
    memcpy(member, &is_true, sizeof is_true);
    return STATUS_OK;
}

/* Remember that something was wrong and go on; only a lack of memory ends the reading. */
#define COLLECT(worst, expr)                                                                                                               \
    do {                                                                                                                                   \
        enum status collected_ = (expr);                                                                                                   \
        if (collected_ == STATUS_NOMEM)                                                                                                    \
            return STATUS_NOMEM;                                                                                                           \
        if (collected_ != STATUS_OK)                                                                                                       \
            (worst) = collected_;                                                                                                          \
    } while (0)

static const struct field id_field = {.name = "", .kind = FIELD_ID};

static enum status read_ids(struct reading *reading, const struct field *field, const struct node *value, const struct place *place,
                            void *member)
{
    struct texts ids = {.n_texts = node_count(value)};
    ids.texts = arena_alloc_array(reading->arena, ids.n_texts + 1, sizeof *ids.texts);
    if (!ids.texts)
        return STATUS_NOMEM;
    enum status worst = STATUS_OK;
    for (size_t i = 0; i < ids.n_texts; i++) {
        const struct node *id = node_at(value, i);
        enum status status = read_scalar(reading, &id_field, id, &ids.texts[i]);
        if (status == STATUS_INVALID)
            status = say_expected(reading, &(struct place){.outer = place, .index = i}, &id_field, id, NULL);
        COLLECT(worst, status);
    }
    if (worst == STATUS_OK)
        memcpy(member, &ids, sizeof ids);
    (void)field;
    return worst;
}

static enum status read_object(struct reading *reading, const struct fields *fields, const struct node *object, const struct place *place,
                               void *record, uint64_t *out_present);

static enum status read_records(struct reading *reading, const struct field *field, const struct node *value, const struct place *place,
                                void *member)
{
    struct records list = {.n_records = node_count(value)};
    list.records = arena_alloc_array(reading->arena, list.n_records + 1, field->of->record_bytes);
    if (!list.records)
        return STATUS_NOMEM;
    enum status worst = STATUS_OK;
    for (size_t i = 0; i < list.n_records; i++) {
        struct place inner = {.outer = place, .index = i};
        COLLECT(worst,
                read_object(reading, field->of, node_at(value, i), &inner, (char *)list.records + i * field->of->record_bytes, NULL));
    }
    if (worst == STATUS_OK)
        memcpy(member, &list, sizeof list);
    return worst;
}

static enum status read_value(struct reading *reading, const struct field *field, const struct node *value, const struct place *place,
                              void *member)
{
    bool wants_list = field->kind == FIELD_IDS || field->kind == FIELD_RECORDS;
    if (wants_list && node_kind(value) == NODE_ARRAY && node_count(value) <= field->max)
        return (field->kind == FIELD_IDS ? read_ids : read_records)(reading, field, value, place, member);
    enum status status = wants_list ? STATUS_INVALID : read_scalar(reading, field, value, member);
    return status == STATUS_INVALID ? say_expected(reading, place, field, value, NULL) : status;
}

struct walk {
    struct reading *reading;
    const struct fields *fields;
    const struct place *place;
    char *record;
    uint64_t given, filled; /* a bit a field: named at all, and with a value */
    enum status worst;
};

static enum status visit_member(void *context, const char *key, const struct node *value)
{
    struct walk *walk = context;
    struct place place = {.outer = walk->place, .key = key};
    const struct field *field = fields_find(walk->fields, key);
    if (!field) {
        COLLECT(walk->worst, say_unknown(walk->reading, &place, walk->fields));
        return STATUS_OK;
    }
    uint64_t bit = UINT64_C(1) << (field - walk->fields->fields);
    walk->given |= bit;
    if (node_kind(value) == NODE_NULL)
        return STATUS_OK;
    walk->filled |= bit;
    COLLECT(walk->worst, read_value(walk->reading, field, value, &place, walk->record + field->offset));
    return STATUS_OK;
}

/* record is written whatever comes out. */
static enum status read_object(struct reading *reading, const struct fields *fields, const struct node *object, const struct place *place,
                               void *record, uint64_t *out_present)
{
    assert(fields->n_fields <= 64);
    struct walk walk = {.reading = reading, .fields = fields, .place = place, .record = record};
    if (node_kind(object) != NODE_OBJECT)
        return say_no_object(reading, place, fields, object);
    if (fields->defaults)
        memcpy(record, fields->defaults, fields->record_bytes);
    else
        memset(record, 0, fields->record_bytes);
    TRY(node_each(object, visit_member, &walk));
    for (size_t i = 0; i < fields->n_fields; i++) {
        const struct field *field = &fields->fields[i];
        if (field->required && !(walk.filled >> i & 1))
            walk.worst = say_missing(reading, &(struct place){.outer = place, .key = field->name}, field);
    }
    if (out_present)
        *out_present = walk.given;
    return walk.worst;
}

enum status fields_read(const struct fields *fields, const struct node *object, const char *pointer, struct arena *arena, void *out_record,
                        uint64_t *present, struct mistakes *mistakes)
{
    struct reading reading = {.arena = arena, .mistakes = mistakes};
    void *record = arena_alloc(arena, fields->record_bytes);
    if (!record)
        return STATUS_NOMEM;
    uint64_t given = 0;
    TRY(read_object(&reading, fields, object, &(struct place){.key = pointer}, record, &given));
    memcpy(out_record, record, fields->record_bytes);
    if (present)
        *present = given;
    return STATUS_OK;
}

const struct field *fields_find(const struct fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->n_fields; i++)
        if (strcmp(fields->fields[i].name, name) == 0)
            return &fields->fields[i];
    return NULL;
}

/* --- from plain text --- */

/* What strtod knows beyond decimal numbers (hexadecimal, "inf", "nan", blanks in front) is none of ours. */
static bool parse_number(const char *text, double *out_number)
{
    char *end;
    if (!*text || text[strspn(text, "0123456789+-.eE")])
        return false;
    *out_number = strtod(text, &end);
    return *end == '\0';
}

static bool parse_integer(const char *text, int64_t *out_number)
{
    char *end;
    if (!*text || text[strspn(text, "0123456789-")])
        return false;
    errno = 0;
    *out_number = strtoll(text, &end, 10);
    return *end == '\0' && errno == 0;
}

static enum status put_list(struct arena *arena, const char *text, char separator, size_t max, void *member)
{
    struct texts ids = {.n_texts = *text != '\0'};
    for (const char *at = text; *at; at++)
        ids.n_texts += *at == separator;
    if (ids.n_texts > max)
        return STATUS_INVALID;
    ids.texts = arena_alloc_array(arena, ids.n_texts + 1, sizeof *ids.texts);
    if (!ids.texts)
        return STATUS_NOMEM;
    for (size_t i = 0; i < ids.n_texts; i++) {
        const char *end = strchr(text, separator);
        size_t n = end && separator ? (size_t)(end - text) : strlen(text);
        if (!utf8_is_id(text, n))
            return STATUS_INVALID;
        TRY(put_copy(arena, text, n, &ids.texts[i]));
        text += n + 1;
    }
    memcpy(member, &ids, sizeof ids);
    return STATUS_OK;
}

static enum status put_parsed_object(struct arena *arena, const struct field *field, const char *text, void *member)
{
    SCOPED(node_destroy) struct node *document = NULL;
    TRY(node_parse(text, strlen(text), &document, NULL));
    return put_object(arena, field, document, member);
}

static enum status put_boolean(const char *text, void *member)
{
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0)
        return STATUS_INVALID;
    memcpy(member, &is_true, sizeof is_true);
    return STATUS_OK;
}

static enum status put_plain(struct arena *arena, const struct field *field, const char *text, char separator, void *member)
{
    double number;
    int64_t whole;
    switch (field->kind) {
    case FIELD_NUMBER: return parse_number(text, &number) ? put_number(field, number, member) : STATUS_INVALID;
    case FIELD_INTEGER: return parse_integer(text, &whole) ? put_integer(field, whole, member) : STATUS_INVALID;
    case FIELD_TIME:
        if (parse_integer(text, &whole))
            return put_time(whole, member);
        return put_text(arena, field, text, strlen(text), member);
    case FIELD_BOOLEAN: return put_boolean(text, member);
    case FIELD_IDS: return put_list(arena, text, separator, field->max, member);
    case FIELD_JSON: return put_parsed_object(arena, field, text, member);
    case FIELD_ID:
    case FIELD_TEXT:
    case FIELD_CHOICE: return put_text(arena, field, text, strlen(text), member);
    case FIELD_RECORDS: return STATUS_INVALID;
    }
    return STATUS_INVALID;
}

enum status field_read_text(const struct field *field, const char *text, char separator, const char *pointer, struct arena *arena,
                            void *record, struct mistakes *mistakes)
{
    struct reading reading = {.arena = arena, .mistakes = mistakes};
    enum status status = put_plain(arena, field, text, separator, (char *)record + field->offset);
    return status == STATUS_INVALID ? say_expected(&reading, &(struct place){.key = pointer}, field, NULL, text) : status;
}
