/* Whole requests as text, cut where HTTP cuts them: header fields through the guard, the target through the router over the real route
 * table, parameters and body through what reads them. Whatever passes keeps what handlers take for granted. */
#include "core/base/utf8.h"
#include "server/api/body.h"
#include "server/api/list_request.h"
#include "server/api/query.h"
#include "server/api/routes.h"
#include "server/http/exchange_state.h"
#include "server/http/guard.h"
#include "server/http/router.h"
#include "server/wire/event_input.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 50

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

/* Cut the next line off *at. NULL at the end. */
static char *next_line(char **at)
{
    char *line = *at, *end = line ? strchr(line, '\n') : NULL;
    if (end)
        *end = '\0';
    *at = end ? end + 1 : NULL;
    return line;
}

/* The fields up to the empty line; 0 if they pass. */
static unsigned read_fields(char **at, enum body_kind *out_kind)
{
    struct guard guard = {0};
    struct error error = {0};
    for (char *line; (line = next_line(at)) && *line;) {
        char *colon = strchr(line, ':'), *value = colon ? colon + 1 : line + strlen(line);
        guard_see(&guard, line, colon ? (size_t)(colon - line) : strlen(line), value, strlen(value));
        if (strstr(value, "ndjson"))
            *out_kind = BODY_NDJSON;
    }
    unsigned code = guard_verdict(&guard, true, &error);
    assert((code == 0) == (error.detail[0] == '\0'));
    assert(code || (guard.n_host == 1 && guard.n_content_length + guard.n_transfer_encoding <= 1));
    return code;
}

static void read_target(struct exchange *exchange, const char *target, int method)
{
    struct routed routed;
    struct error error = {0};
    if (!guard_is_target(target) || router_find(api_routes, n_api_routes, method, router_origin_form(target), exchange->arena, SEGMENTS_MAX,
                                                exchange->segments, &routed, &error) != STATUS_OK)
        return;
    assert((routed.route == NULL) == (routed.code != 0));
    if (routed.route && strchr(routed.route->path, '{'))
        assert(utf8_is_id(exchange->segments[0], strlen(exchange->segments[0])));
    if (router_parameters(target, exchange->arena, PARAMETERS_MAX, exchange->parameters, &exchange->n_parameters, &error) != STATUS_OK)
        exchange->n_parameters = 0;
}

static void read_parameters(struct exchange *exchange)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    struct list_request request;
    if (query_read(exchange, &recommend_query_fields, &request, &mistakes) != STATUS_OK)
        return;
    assert(mistakes.n_mistakes == 0 && request.limit > 0);
    for (size_t i = 0; i < request.exclude.n_texts; i++)
        assert(utf8_is_id(request.exclude.texts[i], strlen(request.exclude.texts[i])));
}

static enum status check_event(void *record, struct error *error)
{
    return event_input_complete(record, INT64_C(1700000000000), error);
}

static void read_body(struct exchange *exchange)
{
    static const struct batch_kind kind = {.fields = &event_input_fields, .list_name = "events", .check = check_event};
    struct mistakes mistakes = {.n_mistakes = 0};
    struct error error = {0};
    struct batch batch;
    if (batch_read(exchange, &kind, BATCH_MAX, &batch, &mistakes, &error) != STATUS_OK)
        return;
    assert(batch.n_records + batch.n_rejections <= BATCH_MAX);
    const struct event_input *events = batch.records;
    for (size_t i = 0; i < batch.n_records; i++)
        assert(utf8_is_id(events[i].user_id, strlen(events[i].user_id)) && utf8_is_id(events[i].item_id, strlen(events[i].item_id)));
    for (size_t i = 0; i < batch.n_rejections; i++)
        assert(batch.rejections[i].detail && batch.rejections[i].pointer &&
               (i == 0 || batch.rejections[i].index > batch.rejections[i - 1].index));
}

static void read_request(struct exchange *exchange, char *text)
{
    char *at = text, *target = next_line(&at);
    exchange->declared_kind = BODY_JSON;
    if (read_fields(&at, &exchange->declared_kind))
        return;
    read_target(exchange, target, HTTP_GET);
    read_parameters(exchange);
    if (at)
        buffer_append_text(&exchange->body, at);
    read_body(exchange);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    SCOPED(arena_destroy) struct arena *arena = arena_create(4096, 4 << 20);
    struct exchange *exchange = calloc(1, sizeof *exchange);
    char *text = arena && n_bytes < 1 << 16 ? arena_copy(arena, (const char *)bytes, n_bytes) : NULL;
    if (exchange && text) {
        exchange->arena = arena;
        buffer_init(&exchange->body, 1 << 20);
        read_request(exchange, text);
        buffer_clear(&exchange->body);
    }
    free(exchange);
    return 0;
}
