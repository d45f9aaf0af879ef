/* THE route table: every method and path that the service answers, and with which handler. openapi.yaml says the same in words; a test
 * compares. */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include "server/http/exchange.h"

extern const struct route api_routes[];
extern const size_t n_api_routes;

#endif
