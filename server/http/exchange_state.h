/* The inside of an exchange: what listener, router, guard and reply share. Not for handlers. */
#ifndef HTTP_EXCHANGE_STATE_H
#define HTTP_EXCHANGE_STATE_H

#include "server/http/exchange.h"

#include <microhttpd.h> /* libmicrohttpd: small, epoll, suspend and resume; LGPL-2.1, linked dynamically */
#include <stdatomic.h>

#define SEGMENTS_MAX      4
#define PARAMETERS_MAX    64
#define EXTRA_HEADERS_MAX 8
#define REQUEST_ID_MAX    64
#define ALLOW_MAX         64

/* How a suspended exchange and its waker find out who resumes the connection: whoever comes second. */
enum waiting { NOT_WAITING, WAITING, SUSPENDED, WOKEN };

/* A refusal that was decided before the end of the request. code = 0: none. */
struct refusal {
    unsigned code;
    struct error error;
    bool close; /* the connection cannot be trusted, or is not worth reading on */
};

struct exchange {
    struct exchange *next_free;
    struct listener *listener;
    struct MHD_Connection *connection;
    struct arena *arena;
    struct buffer out, body;
    const char *target;        /* as it came: path and query, in the arena */
    const struct route *route; /* NULL: none found */
    const char *segments[SEGMENTS_MAX];
    struct parameter parameters[PARAMETERS_MAX];
    size_t n_parameters;
    enum body_kind declared_kind; /* by Content-Type; BODY_NONE: none or an unknown one */
    const char *declared_type;    /* the same as a text; NULL likewise */
    bool has_body;
    bool begun; /* the first call was made: guard, route and limits are checked */
    bool is_options;
    struct refusal refusal;
    size_t n_counted;   /* bytes of the body, among those of all bodies (exchange_pool.h) */
    size_t n_discarded; /* body bytes read behind a refusal */
    char request_id[REQUEST_ID_MAX + 1];
    char allow[ALLOW_MAX];
    struct MHD_Response *response; /* made, not queued yet */
    unsigned code;
    struct {
        const char *name, *value;
    } headers[EXTRA_HEADERS_MAX];
    unsigned n_headers;
    atomic_int waiting; /* enum waiting */
    enum status (*finish)(struct exchange *exchange, struct error *error);
    void *kept;
    uint64_t began_ns;
};

/* Make the reply of a failure: problem+json with the exchange's code, words and pointer. */
enum status problem_reply(struct exchange *exchange, unsigned code, const struct error *error) MUST_CHECK;
const char *problem_title(unsigned code); /* "Not Found" */

#endif
