/* A request that came over no wire: an exchange with parameters and a body, for what reads requests. Threads: one. */
#ifndef TESTS_REQUEST_FIXTURE_H
#define TESTS_REQUEST_FIXTURE_H

#include "server/http/exchange.h"

/* Gives an exchange whose arena holds at most max_bytes. */
struct exchange *request_create(size_t max_bytes);
void request_destroy(struct exchange *exchange);

void request_add_parameter(struct exchange *exchange, const char *name, const char *value); /* borrows both */
void request_set_body(struct exchange *exchange, enum body_kind kind, const char *text);

#endif
