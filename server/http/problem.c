/* Problems: RFC 9457 bodies, and the one place where a status becomes an HTTP code. */
#include "server/http/exchange_state.h"

unsigned status_http_code(enum status status)
{
    switch (status) {
    case STATUS_OK: return 200;
    case STATUS_INVALID: return 400;
    case STATUS_NOT_FOUND: return 404;
    case STATUS_CONFLICT: return 409;
    case STATUS_LIMIT: return 413;
    case STATUS_BUSY: return 503;
    case STATUS_NOMEM: return 503;
    case STATUS_IO: return 503; /* a full disk passes: the client may try again */
    case STATUS_CORRUPT: return 500;
    }
    return 500;
}

const char *problem_title(unsigned code)
{
    const char *phrase = MHD_get_reason_phrase_for(code);
    return phrase ? phrase : "Error";
}

static void begin_problem(struct emit *emit, struct exchange *exchange, unsigned code, const char *detail)
{
    buffer_reset(&exchange->out);
    emit_init(emit, &exchange->out);
    emit_open_object(emit, NULL);
    emit_text(emit, "type", "about:blank");
    emit_text(emit, "title", problem_title(code));
    emit_integer(emit, "status", code);
    emit_text(emit, "detail", detail);
    emit_text(emit, "request_id", exchange->request_id);
}

static void emit_mistake(struct emit *emit, const char *pointer, const char *detail)
{
    emit_open_object(emit, NULL);
    emit_text(emit, "pointer", pointer);
    emit_text(emit, "detail", detail);
    emit_close_object(emit);
}

enum status problem_reply(struct exchange *exchange, unsigned code, const struct error *error)
{
    struct emit emit;
    begin_problem(&emit, exchange, code, error->detail);
    if (error->pointer[0]) {
        emit_open_array(&emit, "errors");
        emit_mistake(&emit, error->pointer, error->detail);
        emit_close_array(&emit);
    }
    emit_close_object(&emit);
    if (code == 503)
        exchange_header(exchange, "Retry-After", "1");
    if (code == 405)
        exchange_header(exchange, "Allow", exchange->allow);
    return exchange_reply(exchange, code, "application/problem+json");
}

enum status exchange_reply_unsupported(struct exchange *exchange, const struct error *error)
{
    return problem_reply(exchange, 415, error);
}

enum status exchange_reply_mistakes(struct exchange *exchange, const char *detail, const struct mistakes *mistakes)
{
    struct emit emit;
    begin_problem(&emit, exchange, 400, detail);
    emit_open_array(&emit, "errors");
    for (size_t i = 0; i < mistakes->n_mistakes; i++)
        emit_mistake(&emit, mistakes->mistakes[i].pointer, mistakes->mistakes[i].detail);
    emit_close_array(&emit);
    emit_close_object(&emit);
    return exchange_reply(exchange, 400, "application/problem+json");
}
