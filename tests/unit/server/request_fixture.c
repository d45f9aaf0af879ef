/* Fills what the listener would fill; nothing here knows a socket. */
#include "tests/unit/server/request_fixture.h"

#include "server/http/exchange_state.h"

#include <criterion/criterion.h>
#include <stdlib.h>

struct exchange *request_create(size_t max_bytes)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    cr_assert(exchange);
    exchange->arena = arena_create(1024, max_bytes);
    cr_assert(exchange->arena);
    buffer_init(&exchange->out, 1 << 20);
    buffer_init(&exchange->body, 1 << 20);
    return exchange;
}

void request_destroy(struct exchange *exchange)
{
    buffer_clear(&exchange->out);
    buffer_clear(&exchange->body);
    arena_destroy(exchange->arena);
    free(exchange);
}

void request_add_parameter(struct exchange *exchange, const char *name, const char *value)
{
    cr_assert(exchange->n_parameters < PARAMETERS_MAX);
    exchange->parameters[exchange->n_parameters++] = (struct parameter){.name = name, .value = value};
}

void request_set_body(struct exchange *exchange, enum body_kind kind, const char *text)
{
    buffer_reset(&exchange->body);
    buffer_append_text(&exchange->body, text);
    exchange->declared_kind = kind;
}
