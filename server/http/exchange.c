/* What handlers see of an exchange, and how a reply is made. Bodies are given away to the library without a copy. */
#include "server/http/exchange_state.h"

#include "server/http/listener_state.h"

#include <stdlib.h>
#include <string.h>

void *exchange_context(const struct exchange *exchange)
{
    return exchange->listener->options.context;
}

void *exchange_kept(const struct exchange *exchange)
{
    return exchange->kept;
}

void exchange_keep(struct exchange *exchange, void *thing)
{
    exchange->kept = thing;
}

struct arena *exchange_arena(const struct exchange *exchange)
{
    return exchange->arena;
}

const char *exchange_segment(const struct exchange *exchange, unsigned index)
{
    return index < SEGMENTS_MAX ? exchange->segments[index] : NULL;
}

enum body_kind exchange_body_kind(const struct exchange *exchange)
{
    return exchange->body.n_bytes ? exchange->declared_kind : BODY_NONE;
}

const char *exchange_body_type(const struct exchange *exchange)
{
    return exchange->body.n_bytes ? exchange->declared_type : NULL;
}

const char *exchange_body(const struct exchange *exchange, size_t *out_n_bytes)
{
    *out_n_bytes = exchange->body.n_bytes;
    return exchange->body.bytes ? exchange->body.bytes : "";
}

const struct parameter *exchange_parameters(const struct exchange *exchange, size_t *out_n)
{
    *out_n = exchange->n_parameters;
    return exchange->parameters;
}

struct buffer *exchange_out(struct exchange *exchange)
{
    return &exchange->out;
}

void exchange_header(struct exchange *exchange, const char *name, const char *value)
{
    if (exchange->n_headers == EXTRA_HEADERS_MAX)
        return;
    exchange->headers[exchange->n_headers].name = name;
    exchange->headers[exchange->n_headers].value = value;
    exchange->n_headers++;
}

/* Takes response (NULL: it could not be made). */
static enum status set_response(struct exchange *exchange, unsigned code, const char *type, struct MHD_Response *response)
{
    if (!response)
        return STATUS_NOMEM;
    bool ok = (code == 204 || MHD_add_response_header(response, "Content-Type", type ? type : "application/json")) &&
              MHD_add_response_header(response, "X-Request-Id", exchange->request_id) &&
              MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") &&
              MHD_add_response_header(response, "Cache-Control", "no-store");
    for (unsigned i = 0; ok && i < exchange->n_headers; i++)
        ok = MHD_add_response_header(response, exchange->headers[i].name, exchange->headers[i].value);
    if (!ok) {
        MHD_destroy_response(response);
        return STATUS_NOMEM;
    }
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    exchange->response = response;
    exchange->code = code;
    return STATUS_OK;
}

enum status exchange_reply(struct exchange *exchange, unsigned code, const char *type)
{
    TRY(buffer_finish(&exchange->out, NULL));
    struct MHD_Response *response = MHD_create_response_from_buffer(exchange->out.n_bytes, exchange->out.bytes, MHD_RESPMEM_MUST_FREE);
    if (response) /* the bytes are the response's now */
        buffer_init(&exchange->out, exchange->out.max_bytes);
    return set_response(exchange, code, type, response);
}

enum status exchange_reply_static(struct exchange *exchange, unsigned code, const char *type, const void *bytes, size_t n_bytes)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(n_bytes, (void *)(size_t)bytes, MHD_RESPMEM_PERSISTENT);
    return set_response(exchange, code, type, response);
}

void exchange_suspend(struct exchange *exchange, enum status (*finish)(struct exchange *exchange, struct error *error))
{
    exchange->finish = finish;
    atomic_store(&exchange->waiting, WAITING);
}

void exchange_wake(struct exchange *exchange)
{
    struct MHD_Connection *connection = exchange->connection;
    struct listener *listener = exchange->listener;
    if (atomic_exchange(&exchange->waiting, WOKEN) != SUSPENDED)
        return;
    MHD_resume_connection(connection); /* from here on the exchange may be another request's */
    listener_answered(listener);
}
