/* The answers that are lists of items: for a user, popular, similar. All have one shape. On this way nothing is allocated but from the
 * exchange's arena and its reply. */
#include "server/api/api.h"
#include "server/api/handlers.h"
#include "server/api/item_json.h"
#include "server/api/list_request.h"
#include "server/api/query.h"

static void emit_recommended(struct emit *emit, struct app *app, const struct recommended *recommended, size_t position, unsigned parts)
{
    const struct item *item = app_item(app, recommended->item);
    emit_open_object(emit, NULL);
    emit_text(emit, "item_id", item->item_id);
    emit_integer(emit, "position", (int64_t)position);
    emit_number(emit, "score", (double)recommended->score, SCORE_DIGITS);
    emit_text(emit, "reason", reason_names[recommended->reason]);
    item_emit_parts(item, parts, emit);
    emit_close_object(emit);
}

static enum status reply_list(struct exchange *exchange, const struct recommendations *answer, unsigned parts)
{
    struct emit emit;
    emit_init(&emit, exchange_out(exchange));
    emit_open_object(&emit, NULL);
    emit_text(&emit, "recommendation_id", answer->recommendation_id);
    emit_text(&emit, "model_version", answer->model_version);
    emit_integer(&emit, "seen_seq", (int64_t)answer->seen_seq);
    emit_boolean(&emit, "degraded", answer->degraded);
    emit_open_array(&emit, "items");
    for (size_t i = 0; i < answer->n_items; i++)
        emit_recommended(&emit, api_of(exchange)->app, &answer->items[i], i + 1, parts);
    emit_close_array(&emit);
    emit_close_object(&emit);
    return exchange_reply(exchange, 200, NULL);
}

static enum status recommend(struct exchange *exchange, const struct list_request *request, struct error *error)
{
    struct recommendations answer;
    struct recommend_query query = {
        .user_id = request->user_id,
        .limit = (uint32_t)request->limit,
        .kind = request->kind,
        .categories = (const char *const *)request->categories.texts,
        .n_categories = request->categories.n_texts,
        .exclude = (const char *const *)request->exclude.texts,
        .n_exclude = request->exclude.n_texts,
        .exclude_seen = request->exclude_seen,
        .context_events = request->context_events,
        .n_context_events = request->n_context_events,
    };
    TRY(app_recommend(api_of(exchange)->app, &query, exchange_arena(exchange), &answer, error));
    return reply_list(exchange, &answer, request->parts);
}

enum status recommendations_get(struct exchange *exchange, struct error *error)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    struct list_request request;
    enum status status = list_request_from_query(exchange, &recommend_query_fields, &request, &mistakes);
    return status == STATUS_OK ? recommend(exchange, &request, error) : refuse(exchange, status, &mistakes, error);
}

enum status recommendations_post(struct exchange *exchange, struct error *error)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    struct list_request request;
    TRY(query_refuse_all(exchange, error));
    enum status status = list_request_from_body(exchange, &recommend_body_fields, &request, &mistakes);
    return status == STATUS_OK ? recommend(exchange, &request, error) : refuse(exchange, status, &mistakes, error);
}

enum status popular_get(struct exchange *exchange, struct error *error)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    struct list_request request;
    struct recommendations answer;
    enum status status = list_request_from_query(exchange, &popular_query_fields, &request, &mistakes);
    if (status != STATUS_OK)
        return refuse(exchange, status, &mistakes, error);
    struct popular_query query = {.window = (enum window)request.window,
                                  .limit = (uint32_t)request.limit,
                                  .kind = request.kind,
                                  .categories = (const char *const *)request.categories.texts,
                                  .n_categories = request.categories.n_texts};
    TRY(app_popular(api_of(exchange)->app, &query, exchange_arena(exchange), &answer, error));
    return reply_list(exchange, &answer, request.parts);
}

enum status similar_get(struct exchange *exchange, struct error *error)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    struct list_request request;
    struct recommendations answer;
    enum status status = list_request_from_query(exchange, &similar_query_fields, &request, &mistakes);
    if (status != STATUS_OK)
        return refuse(exchange, status, &mistakes, error);
    TRY(app_similar(api_of(exchange)->app, exchange_segment(exchange, 0), (uint32_t)request.limit, exchange_arena(exchange), &answer,
                    error));
    return reply_list(exchange, &answer, request.parts);
}
