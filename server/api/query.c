/* One pass over the parameters. Lists grow piece by piece: each is read into an empty place of its own and put behind what was there. */
#include "server/api/query.h"

#include <string.h>

struct query {
    struct arena *arena;
    const struct fields *fields;
    char *record;
    uint64_t given; /* a bit a field */
    struct mistakes *mistakes;
};

/* list = list + more. */
static enum status append_texts(struct arena *arena, const struct texts *more, struct texts *list)
{
    size_t n = list->n_texts + more->n_texts;
    const char **texts = arena_alloc_array(arena, n + 1, sizeof *texts);
    if (!texts)
        return STATUS_NOMEM;
    if (list->n_texts)
        memcpy(texts, list->texts, list->n_texts * sizeof *texts);
    if (more->n_texts)
        memcpy(texts + list->n_texts, more->texts, more->n_texts * sizeof *texts);
    *list = (struct texts){.texts = texts, .n_texts = n};
    return STATUS_OK;
}

static enum status read_more(struct query *query, const struct field *field, const struct parameter *parameter)
{
    struct texts list, more = {0}, *member = (struct texts *)(void *)(query->record + field->offset);
    list = *member;
    *member = more;
    if (!parameter->value[0]) {
        mistakes_add(query->mistakes, query->arena, field->name, "expected a list, got nothing");
        return STATUS_INVALID;
    }
    TRY(field_read_text(field, parameter->value, ',', field->name, query->arena, query->record, query->mistakes));
    more = *member;
    TRY(append_texts(query->arena, &more, &list));
    if (list.n_texts > field->max) {
        mistakes_add(query->mistakes, query->arena, field->name, "expected a list of up to %zu, got more", field->max);
        return STATUS_INVALID;
    }
    *member = list;
    return STATUS_OK;
}

static void say_unknown_parameter(struct query *query, const char *name)
{
    char known[512];
    size_t n_bytes = 0;
    known[0] = '\0';
    for (size_t i = 0; i < query->fields->n_fields; i++) {
        size_t n = strlen(query->fields->fields[i].name);
        if (n_bytes + n + 2 >= sizeof known)
            break;
        memcpy(known + n_bytes, " ", 1);
        memcpy(known + n_bytes + 1, query->fields->fields[i].name, n + 1);
        n_bytes += n + 1;
    }
    mistakes_add(query->mistakes, query->arena, name, "unknown parameter; %s has:%s", query->fields->what, known);
}

static enum status read_parameter(struct query *query, const struct parameter *parameter)
{
    const struct field *field = fields_find(query->fields, parameter->name);
    if (!field) {
        say_unknown_parameter(query, parameter->name);
        return STATUS_INVALID;
    }
    if (field->kind == FIELD_IDS)
        return read_more(query, field, parameter);
    uint64_t bit = UINT64_C(1) << (field - query->fields->fields);
    if (query->given & bit) {
        mistakes_add(query->mistakes, query->arena, field->name, "given twice");
        return STATUS_INVALID;
    }
    query->given |= bit;
    return field_read_text(field, parameter->value, ',', field->name, query->arena, query->record, query->mistakes);
}

enum status query_read(struct exchange *exchange, const struct fields *fields, void *out_record, struct mistakes *mistakes)
{
    size_t n_parameters = 0;
    enum status worst = STATUS_OK;
    const struct parameter *parameters = exchange_parameters(exchange, &n_parameters);
    struct query query = {.arena = exchange_arena(exchange), .fields = fields, .mistakes = mistakes};
    query.record = arena_alloc(query.arena, fields->record_bytes);
    if (!query.record)
        return STATUS_NOMEM;
    if (fields->defaults)
        memcpy(query.record, fields->defaults, fields->record_bytes);
    for (size_t i = 0; i < n_parameters; i++) {
        enum status status = read_parameter(&query, &parameters[i]);
        if (status == STATUS_NOMEM)
            return STATUS_NOMEM;
        worst = status == STATUS_OK ? worst : status;
    }
    if (worst == STATUS_OK)
        memcpy(out_record, query.record, fields->record_bytes);
    return worst;
}

enum status query_refuse_all(const struct exchange *exchange, struct error *error)
{
    size_t n_parameters = 0;
    const struct parameter *parameters = exchange_parameters(exchange, &n_parameters);
    return n_parameters ? fail_at(error, STATUS_INVALID, parameters[0].name, "unknown parameter: none are taken here") : STATUS_OK;
}

enum status refuse(struct exchange *exchange, enum status status, const struct mistakes *mistakes, struct error *error)
{
    if (status == STATUS_INVALID && mistakes->n_mistakes)
        return exchange_reply_mistakes(exchange, "the request is not valid", mistakes);
    return fail(error, status, status == STATUS_NOMEM ? "no memory to read the request" : "the request is not valid");
}
