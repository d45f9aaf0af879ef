/* What a table cannot say is checked behind it: the configured limit, the names of parts, and the events inside of context. */
#include "server/api/list_request.h"

#include "server/api/api.h"
#include "server/api/body.h"
#include "server/api/item_json.h"
#include "server/api/query.h"

#include <assert.h>
#include <string.h>

#define CONTEXT_MAX_BYTES  65536
#define CONTEXT_EVENTS_MAX 100
#define LISTED_MAX         64   /* categories in a body */
#define EXCLUDED_MAX       1000 /* items in a body */
#define QUERY_LISTED_MAX   20   /* a request line has its limits */
#define QUERY_EXCLUDED_MAX 50

static const char *const windows[] = {[WINDOW_DAY] = "day", [WINDOW_WEEK] = "week", [WINDOW_MONTH] = "month", [WINDOW_ALL] = "all", NULL};

static const struct list_request defaults = {.limit = 10, .kind = KIND_ANY, .window = WINDOW_WEEK, .exclude_seen = true};

#define AT(member) offsetof(struct list_request, member)

/* clang-format off */
#define LIMIT        {.name = "limit",        .kind = FIELD_INTEGER, .offset = AT(limit), .least = 1} /* most: see bound_limit */
#define KIND         {.name = "kind",         .kind = FIELD_CHOICE,  .offset = AT(kind), .choices = item_kind_names}
#define CATEGORIES(n) {.name = "categories",  .kind = FIELD_IDS,     .offset = AT(categories), .max = (n)}
#define FIELDS       {.name = "fields",       .kind = FIELD_IDS,     .offset = AT(fields), .max = ITEM_PARTS_MAX}
#define USER_ID      {.name = "user_id",      .kind = FIELD_ID,      .offset = AT(user_id)}
#define EXCLUDE(n)   {.name = "exclude",      .kind = FIELD_IDS,     .offset = AT(exclude), .max = (n)}
#define EXCLUDE_SEEN {.name = "exclude_seen", .kind = FIELD_BOOLEAN, .offset = AT(exclude_seen)}

static const struct field recommend_query_table[] = {USER_ID, LIMIT, KIND, CATEGORIES(QUERY_LISTED_MAX), EXCLUDE(QUERY_EXCLUDED_MAX), EXCLUDE_SEEN, FIELDS};
static const struct field recommend_body_table[] = {
    USER_ID, LIMIT, KIND, CATEGORIES(LISTED_MAX), EXCLUDE(EXCLUDED_MAX), EXCLUDE_SEEN, FIELDS,
    {.name = "context", .kind = FIELD_JSON, .offset = AT(context), .max = CONTEXT_MAX_BYTES},
};
static const struct field popular_table[] = {
    CATEGORIES(QUERY_LISTED_MAX), {.name = "window", .kind = FIELD_CHOICE, .offset = AT(window), .choices = windows}, KIND, LIMIT, FIELDS,
};
static const struct field similar_table[] = {LIMIT, FIELDS};

#define TABLE(table) .fields = (table), .n_fields = sizeof(table) / sizeof(table)[0], .record_bytes = sizeof(struct list_request), .defaults = &defaults
const struct fields recommend_query_fields = {.what = "a recommendation request", TABLE(recommend_query_table)};
const struct fields recommend_body_fields = {.what = "a recommendation request", TABLE(recommend_body_table)};
const struct fields popular_query_fields = {.what = "a request for popular items", TABLE(popular_table)};
const struct fields similar_query_fields = {.what = "a request for similar items", TABLE(similar_table)};
/* clang-format on */

/* --- context --- */

static const struct context_event context_event_defaults = {.type = "view"};

/* clang-format off */
static const struct field context_event_table[] = {
    {.name = "item_id", .kind = FIELD_ID, .offset = offsetof(struct context_event, item_id), .required = true},
    {.name = "type",    .kind = FIELD_ID, .offset = offsetof(struct context_event, type)},
};
/* clang-format on */

static const struct fields context_event_fields = {.what = "an event of the context",
                                                   .fields = context_event_table,
                                                   .n_fields = sizeof context_event_table / sizeof context_event_table[0],
                                                   .record_bytes = sizeof(struct context_event),
                                                   .defaults = &context_event_defaults};

struct context {
    struct records events;
};

/* clang-format off */
static const struct field context_table[] = {
    {.name = "events", .kind = FIELD_RECORDS, .offset = offsetof(struct context, events), .max = CONTEXT_EVENTS_MAX, .of = &context_event_fields},
};
/* clang-format on */

static const struct fields context_fields = {
    .what = "a context", .fields = context_table, .n_fields = 1, .record_bytes = sizeof(struct context)};

static enum status read_context(struct arena *arena, struct list_request *request, struct mistakes *mistakes)
{
    SCOPED(node_destroy) struct node *document = NULL;
    struct context context;
    if (!request->context)
        return STATUS_OK;
    /* It was checked when it was read: only memory can fail. */
    TRY(node_parse(request->context, strlen(request->context), &document, NULL));
    TRY(fields_read(&context_fields, document, "/context", arena, &context, NULL, mistakes));
    request->context_events = context.events.records;
    request->n_context_events = context.events.n_records;
    return STATUS_OK;
}

/* --- both ways --- */

#define QUESTION_FIELDS_MAX 8

struct question {
    struct fields fields;
    struct field table[QUESTION_FIELDS_MAX];
};

/* The table of a question with the largest limit that is configured, so that one bound is told, whatever is wrong with a limit. */
static void bound_limit(const struct fields *fields, int64_t max_limit, struct question *out_question)
{
    assert(fields->n_fields <= QUESTION_FIELDS_MAX);
    out_question->fields = *fields;
    out_question->fields.fields = out_question->table;
    memcpy(out_question->table, fields->fields, fields->n_fields * sizeof *fields->fields);
    for (size_t i = 0; i < fields->n_fields; i++)
        if (fields->fields[i].offset == AT(limit))
            out_question->table[i].most = (double)max_limit;
}

static int64_t max_limit_of(const struct exchange *exchange)
{
    return api_of(exchange)->settings->recommend_max_limit;
}

/* prefix is "/" in a body: there a pointer names a field. */
static enum status check(struct exchange *exchange, const char *prefix, struct list_request *request, struct mistakes *mistakes)
{
    struct arena *arena = exchange_arena(exchange);
    int64_t max_limit = max_limit_of(exchange);
    const char *limit = arena_format(arena, "%slimit", prefix), *fields = arena_format(arena, "%sfields", prefix);
    if (!limit || !fields)
        return STATUS_NOMEM;
    if (request->limit < 1 || request->limit > max_limit) { /* the default may be, and to a table bounds from 1 to 1 are none */
        mistakes_add(mistakes, arena, limit, "expected a whole number from 1 to %lld, got %lld", (long long)max_limit,
                     (long long)request->limit);
        return STATUS_INVALID;
    }
    return item_parts_read(&request->fields, fields, arena, &request->parts, mistakes);
}

enum status list_request_from_query(struct exchange *exchange, const struct fields *fields, struct list_request *out_request,
                                    struct mistakes *mistakes)
{
    struct list_request request;
    struct question question;
    bound_limit(fields, max_limit_of(exchange), &question);
    TRY(query_read(exchange, &question.fields, &request, mistakes));
    TRY(check(exchange, "", &request, mistakes));
    *out_request = request;
    return STATUS_OK;
}

enum status list_request_from_body(struct exchange *exchange, const struct fields *fields, struct list_request *out_request,
                                   struct mistakes *mistakes)
{
    struct list_request request;
    struct question question;
    bound_limit(fields, max_limit_of(exchange), &question);
    TRY(body_read(exchange, &question.fields, &request, NULL, mistakes));
    TRY(check(exchange, "/", &request, mistakes));
    TRY(read_context(exchange_arena(exchange), &request, mistakes));
    *out_request = request;
    return STATUS_OK;
}
