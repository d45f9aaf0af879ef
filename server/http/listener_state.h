/* The inside of the listener: what its life (listener.c) and the flow of requests (flow.c) share. */
#ifndef HTTP_LISTENER_STATE_H
#define HTTP_LISTENER_STATE_H

#include "server/http/connections.h"
#include "server/http/exchange_pool.h"
#include "server/http/http_metrics.h"
#include "server/http/listener.h"

#include <pthread.h>

struct listener {
    struct listener_options options;
    struct MHD_Daemon *daemon;
    struct connections *connections;
    struct exchange_pool *pool;
    struct http_metrics *metrics;
    uint16_t port;
    atomic_uint_fast64_t n_refused;        /* by the guard */
    atomic_uint_fast64_t n_bodies_refused; /* no room for them */
    pthread_mutex_t lock;                  /* guards what follows */
    pthread_cond_t idle;            /* a count came to 0 */
    unsigned n_in_flight;           /* exchanges: from the request line to the end of the answer */
    unsigned n_answering;           /* exchanges whose handler was called and that cannot go on by themselves yet */
    bool is_ending;                 /* no handler is called any more */
};

/* Before a handler is called. False: the listener is ending, the connection is to be closed. */
bool listener_admit(struct listener *listener);

/* The reply is made, or the suspended connection was resumed: the library may be stopped as far as this exchange is concerned. The last call of a
 * waker: the listener may be gone when it returns. */
void listener_answered(struct listener *listener);

/* What libmicrohttpd calls; context is the listener. Contracts: microhttpd.h. */
void *flow_on_target(void *context, const char *target, struct MHD_Connection *connection);
enum MHD_Result flow_on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                                const char *piece, size_t *n_piece, void **exchange_place);
void flow_on_completed(void *context, struct MHD_Connection *connection, void **exchange_place, enum MHD_RequestTerminationCode why);
void flow_on_connection(void *context, struct MHD_Connection *connection, void **connection_place, enum MHD_ConnectionNotificationCode what);

#endif
