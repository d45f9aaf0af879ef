/* The flow of a request. libmicrohttpd calls flow_on_request several times a request: first with the header alone, then for each piece of
 * body, at last with no piece. A reply queued in the first call costs the connection, so only what must close it is refused there; every
 * other refusal is noted and answered in the last call, after the body was read and dropped. */
#include "server/http/listener_state.h"

#include "core/base/clock.h"
#include "server/http/guard.h"
#include "server/http/router.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define REFUSED_BODY_MAX                                                                                                                   \
    (256u << 10) /* an announced body that is read and dropped behind a refusal; a larger one closes the connection at once */
#define DISCARD_MAX                                                                                                                        \
    (64u << 20) /* of a body of unknown length: the deadline ends it anyway, and who is still sending does not hear the refusal */

static void refuse(struct exchange *exchange, unsigned code, bool close, const char *detail)
{
    if (exchange->refusal.code)
        return;
    exchange->refusal.code = code;
    exchange->refusal.close = close;
    (void)snprintf(exchange->refusal.error.detail, sizeof exchange->refusal.error.detail, "%s", detail);
}

/* --- the first call --- */

static enum MHD_Result see_header(void *context, enum MHD_ValueKind kind, const char *name, size_t n_name, const char *value,
                                  size_t n_value)
{
    (void)kind;
    guard_see(context, name, n_name, value ? value : "", n_value);
    return MHD_YES;
}

static void take_request_id(struct exchange *exchange)
{
    const char *given = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, "X-Request-Id");
    size_t length = given ? strspn(given, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") : 0;
    if (given && length > 0 && length <= REQUEST_ID_MAX && given[length] == '\0') {
        memcpy(exchange->request_id, given, length + 1);
        return;
    }
    uint64_t number = exchange->began_ns;
    (void)!getrandom(&number, sizeof number, GRND_NONBLOCK); /* without entropy the time serves: it need not be secret */
    (void)snprintf(exchange->request_id, sizeof exchange->request_id, "%016llx", (unsigned long long)number);
}

static void read_content_type(struct exchange *exchange)
{
    static const struct {
        const char *type;
        enum body_kind kind;
    } known[] = {{"application/json", BODY_JSON}, {"application/x-ndjson", BODY_NDJSON},
                 {"image/png", BODY_IMAGE},       {"image/jpeg", BODY_IMAGE},
                 {"image/webp", BODY_IMAGE},      {"application/octet-stream", BODY_IMAGE}};
    const char *type = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, "Content-Type");
    size_t length = type ? strcspn(type, "; \t") : 0;
    for (size_t i = 0; type && i < sizeof known / sizeof known[0]; i++) {
        if (length == strlen(known[i].type) && strncasecmp(type, known[i].type, length) == 0) {
            exchange->declared_kind = known[i].kind;
            exchange->declared_type = known[i].type;
        }
    }
}

static int method_number(const char *method)
{
    static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    if (strcmp(method, "HEAD") == 0)
        return HTTP_GET;
    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++)
        if (strcmp(method, names[i]) == 0)
            return i;
    return -1;
}

static void find_route(struct listener *listener, struct exchange *exchange, const char *method)
{
    struct routed routed;
    struct error error;
    if (strlen(exchange->target) > GUARD_TARGET_MAX) {
        refuse(exchange, 414, true, "the address is longer than 8192 bytes");
        return;
    }
    if (!guard_is_target(exchange->target)) {
        refuse(exchange, 400, true, "the address holds a blank or a control character");
        return;
    }
    enum status status = router_find(listener->options.routes, listener->options.n_routes, method_number(method), exchange->target,
                                     exchange->arena, SEGMENTS_MAX, exchange->segments, &routed, &error);
    if (status == STATUS_OK && routed.route)
        status =
            router_parameters(exchange->target, exchange->arena, PARAMETERS_MAX, exchange->parameters, &exchange->n_parameters, &error);
    if (status != STATUS_OK) {
        refuse(exchange, 400, false, error.detail);
        return;
    }
    exchange->route = routed.route;
    router_allow(routed.allowed, exchange->allow, sizeof exchange->allow);
    exchange->is_options = routed.code == 405 && strcmp(method, "OPTIONS") == 0;
    if (routed.code == 404)
        refuse(exchange, 404, false, "there is nothing at this address; /openapi.yaml lists what there is");
    else if (routed.code == 405 && !exchange->is_options)
        refuse(exchange, 405, false, "this address does not take that method; see Allow");
}

static size_t body_limit(const struct listener_options *options, const struct route *route)
{
    return route && route->bodies & BODY_IMAGE ? options->max_image_bytes : options->max_body_bytes;
}

/* Room for so many bytes of body; if there is none, the request is refused. What has not been read yet is not worth reading. */
static bool admit_body(struct listener *listener, struct exchange *exchange, size_t n_bytes)
{
    if (exchange_pool_admit_body(listener->pool, exchange, n_bytes))
        return true;
    atomic_fetch_add(&listener->n_bodies_refused, 1);
    refuse(exchange, 503, true, "the bodies of other requests take all room that there is for them; try again later");
    return false;
}

/* What the header alone says against the request. */
static void check_header(struct listener *listener, struct exchange *exchange, const char *method, const char *version)
{
    struct guard guard = {0};
    struct error error;
    (void)MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, see_header, &guard);
    unsigned code = guard_verdict(&guard, strcmp(version, "HTTP/1.0") != 0, &error);
    if (code) {
        atomic_fetch_add(&listener->n_refused, 1);
        refuse(exchange, code, true, error.detail);
        return;
    }
    exchange->has_body = guard.content_length > 0 || guard.n_transfer_encoding > 0;
    read_content_type(exchange);
    find_route(listener, exchange, method);
    exchange->body.max_bytes = body_limit(&listener->options, exchange->route);
    if (guard.content_length > exchange->body.max_bytes) {
        char detail[96];
        (void)snprintf(detail, sizeof detail, "the body is larger than %zu bytes", exchange->body.max_bytes);
        exchange->refusal.code = 0;
        refuse(exchange, 413, true, detail);
    }
    if (exchange->refusal.code && guard.content_length > REFUSED_BODY_MAX)
        exchange->refusal.close = true;
    if (!exchange->refusal.code)
        (void)admit_body(listener, exchange, (size_t)guard.content_length);
}

/* --- the body --- */

/* Room for n bytes more. A body that has not said its length doubles its room, up to its limit. */
static bool make_room(struct listener *listener, struct exchange *exchange, size_t n)
{
    size_t needed = exchange->body.n_bytes + n, most = exchange->body.max_bytes;
    if (needed <= exchange->n_counted || needed > most)
        return true;
    return admit_body(listener, exchange, needed < SMALL_BODY_BYTES ? needed : needed < most / 2 ? 2 * needed : most);
}

static enum MHD_Result take_body(struct listener *listener, struct exchange *exchange, const char *bytes, size_t *n_bytes)
{
    size_t n = *n_bytes;
    *n_bytes = 0;
    if (!exchange->refusal.code && make_room(listener, exchange, n)) {
        buffer_append(&exchange->body, bytes, n);
        if (!exchange->body.failed)
            return MHD_YES;
        char detail[96];
        (void)snprintf(detail, sizeof detail, "the body is larger than %zu bytes", exchange->body.max_bytes);
        refuse(exchange, 413, true, detail);
    }
    exchange->n_discarded += n;
    return exchange->n_discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
}

/* --- the reply --- */

static enum MHD_Result queue(struct exchange *exchange)
{
    struct MHD_Response *response = exchange->response;
    exchange->response = NULL;
    if (exchange->refusal.close && MHD_add_response_header(response, "Connection", "close") != MHD_YES) {
        MHD_destroy_response(response);
        return MHD_NO;
    }
    enum MHD_Result queued = MHD_queue_response(exchange->connection, exchange->code, response);
    MHD_destroy_response(response);
    return queued;
}

/* Queue what was made, or a problem if nothing could be made. */
static enum MHD_Result conclude(struct exchange *exchange, enum status status, const struct error *error)
{
    if (status != STATUS_OK && problem_reply(exchange, status_http_code(status), error) != STATUS_OK)
        return MHD_NO; /* not even memory for an error: the closed connection says so */
    return exchange->response ? queue(exchange) : MHD_NO;
}

static enum MHD_Result answer_refusal(struct exchange *exchange)
{
    if (problem_reply(exchange, exchange->refusal.code, &exchange->refusal.error) != STATUS_OK)
        return MHD_NO;
    return queue(exchange);
}

static enum MHD_Result answer_options(struct exchange *exchange)
{
    exchange_header(exchange, "Allow", exchange->allow);
    struct error error = {0};
    return conclude(exchange, exchange_reply_static(exchange, 204, NULL, "", 0), &error);
}

static enum status call(struct listener *listener, struct exchange *exchange, enum status (*step)(struct exchange *, struct error *),
                        struct error *error)
{
    const struct listener_options *options = &listener->options;
    unsigned slot = options->enter ? options->enter(options->context) : 0;
    enum status status = step(exchange, error);
    if (options->leave)
        options->leave(options->context, slot);
    return status;
}

static enum MHD_Result finish(struct listener *listener, struct exchange *exchange)
{
    struct error error = {0};
    atomic_store(&exchange->waiting, NOT_WAITING);
    return conclude(exchange, call(listener, exchange, exchange->finish, &error), &error);
}

/* Why the route cannot take this body, or NULL. */
static const char *body_objection(const struct exchange *exchange)
{
    unsigned bodies = exchange->route->bodies;
    const char *encoding = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, "Content-Encoding");
    if (bodies == BODY_NONE)
        return "this address takes no body";
    if (!(bodies & exchange->declared_kind))
        return bodies & BODY_IMAGE    ? "Content-Type must be image/png, image/jpeg, image/webp or application/octet-stream"
               : bodies & BODY_NDJSON ? "Content-Type must be application/json or application/x-ndjson"
                                      : "Content-Type must be application/json";
    if (encoding && strcasecmp(encoding, "identity") != 0)
        return "a body with Content-Encoding is not understood here: send it as it is";
    return NULL;
}

/* The request is whole: call the handler, and suspend the connection if it waits for something. */
static enum MHD_Result answer(struct listener *listener, struct exchange *exchange)
{
    struct error error = {0};
    const char *objection = exchange->body.n_bytes ? body_objection(exchange) : NULL;
    if (objection) {
        refuse(exchange, 415, false, objection);
        return answer_refusal(exchange);
    }
    if (!listener_admit(listener))
        return MHD_NO;
    enum status status = call(listener, exchange, exchange->route->handle, &error);
    if (status != STATUS_OK || atomic_load(&exchange->waiting) == NOT_WAITING) {
        listener_answered(listener);
        return conclude(exchange, status, &error);
    }
    MHD_suspend_connection(exchange->connection);
    if (atomic_exchange(&exchange->waiting, SUSPENDED) == WOKEN) {
        atomic_store(&exchange->waiting, WOKEN);
        MHD_resume_connection(exchange->connection);
        listener_answered(listener);
    }
    return MHD_YES;
}

/* --- what the library calls --- */

/* The first thing that is known of a request: its target, undecoded. */
void *flow_on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    struct listener *listener = context;
    struct exchange *exchange = exchange_pool_acquire(listener->pool);
    if (!exchange)
        return NULL;
    exchange->listener = listener;
    exchange->connection = connection;
    exchange->began_ns = clock_monotonic_ns();
    target = router_origin_form(target);
    exchange->target = arena_copy(exchange->arena, target, strlen(target));
    (void)pthread_mutex_lock(&listener->lock);
    listener->n_in_flight++;
    (void)pthread_mutex_unlock(&listener->lock);
    return exchange;
}

static struct connection *watched(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static enum MHD_Result begin(struct listener *listener, struct exchange *exchange, const char *method, const char *version)
{
    exchange->begun = true;
    if (watched(exchange->connection))
        connection_begin(watched(exchange->connection));
    take_request_id(exchange);
    check_header(listener, exchange, method, version);
    return exchange->refusal.close ? answer_refusal(exchange) : MHD_YES;
}

enum MHD_Result flow_on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                                const char *piece, size_t *n_piece, void **exchange_place)
{
    (void)url, (void)connection;
    struct listener *listener = context;
    struct exchange *exchange = *exchange_place;
    if (!exchange || !exchange->target)
        return MHD_NO;
    if (!exchange->begun)
        return begin(listener, exchange, method, version);
    if (*n_piece)
        return take_body(listener, exchange, piece, n_piece);
    if (exchange->refusal.code)
        return answer_refusal(exchange);
    if (exchange->is_options)
        return answer_options(exchange);
    if (atomic_load(&exchange->waiting) == WOKEN)
        return finish(listener, exchange);
    return answer(listener, exchange);
}

void flow_on_completed(void *context, struct MHD_Connection *connection, void **exchange_place, enum MHD_RequestTerminationCode why)
{
    (void)why;
    struct listener *listener = context;
    struct exchange *exchange = *exchange_place;
    *exchange_place = NULL;
    if (!exchange)
        return;
    if (exchange->begun && watched(connection))
        connection_end(watched(connection));
    if (exchange->code)
        http_metrics_count(listener->metrics, exchange->route, exchange->code, clock_monotonic_ns() - exchange->began_ns);
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    exchange_pool_release(listener->pool, exchange);
    (void)pthread_mutex_lock(&listener->lock);
    if (--listener->n_in_flight == 0)
        (void)pthread_cond_broadcast(&listener->idle);
    (void)pthread_mutex_unlock(&listener->lock);
}

void flow_on_connection(void *context, struct MHD_Connection *connection, void **connection_place, enum MHD_ConnectionNotificationCode what)
{
    struct listener *listener = context;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        connections_close(listener->connections, *connection_place);
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *connection_place = info ? connections_open(listener->connections, info->connect_fd) : NULL;
}
