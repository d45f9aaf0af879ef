/* The router: a request target against a table of routes. Pure. Threads: any. */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "server/http/exchange.h"

struct routed {
    const struct route *route; /* NULL when code is set */
    unsigned code;             /* 0, 400, 404 or 405 */
    unsigned allowed;          /* bit per enum http_method that the path has, when code is 405 or 0 */
};

/* The part of a target that names something here: the target itself, or of "http://host/a?b", as clients of a proxy write it (RFC 9112
 * section 3.2.2), "/a?b". */
const char *router_origin_form(const char *target);

/* Find the route of method and target ("/v1/items/a%20b?limit=1"). Decoded segments go to out_segments[max_segments], in the arena. method
 * < 0: OPTIONS or an unknown method: 405 with what is allowed. */
enum status router_find(const struct route routes[], size_t n_routes, int method, const char *target, struct arena *arena,
                        unsigned max_segments, const char *out_segments[], struct routed *out_routed, struct error *error) MUST_CHECK;

/* The query of target as decoded parameters; '+' is a space. STATUS_INVALID: bad percent-encoding or UTF-8, or more than max parameters. */
enum status router_parameters(const char *target, struct arena *arena, size_t max, struct parameter out_parameters[], size_t *out_n,
                              struct error *error) MUST_CHECK;

/* "GET, HEAD, PUT, OPTIONS" */
void router_allow(unsigned allowed, char *out_text, size_t n_bytes);

#endif
