/* The listener: accepts connections, guards requests, finds the route, sends replies. Epoll threads of libmicrohttpd.
 * Threads: start and stop from one thread. */
#ifndef HTTP_LISTENER_H
#define HTTP_LISTENER_H

#include "server/http/exchange.h"

struct listener_options {
    const char *address; /* a literal IPv4 or IPv6 address */
    uint16_t port;       /* 0: any free one */
    unsigned n_threads;
    unsigned max_connections;
    size_t max_body_bytes, max_image_bytes;        /* of a route that takes BODY_IMAGE: max_image_bytes */
    size_t max_bodies_bytes;                       /* all bodies together, but for those below 64 KiB; one of the largest always has room */
    size_t request_block_bytes, request_max_bytes; /* a request's arena: what it keeps between requests, and the most it may hold */
    unsigned idle_seconds, deadline_seconds, drain_seconds;
    const struct route *routes;
    size_t n_routes;
    /* Called around every handler and finish: what a handler reads stays alive in between. May be NULL. */
    unsigned (*enter)(void *context);
    void (*leave)(void *context, unsigned slot);
    void *context;
};

struct listener;

/* STATUS_CONFLICT: the address is in use. options are copied; what they point to is borrowed until listener_stop. */
enum status listener_start(const struct listener_options *options, struct listener **out_listener, struct error *error) MUST_CHECK;

/* Accept no more, wait until what came in is answered (at most drain_seconds, but always for suspended exchanges: every one must be woken
 * by its owner in the end), stop. Accepts NULL. */
void listener_stop(struct listener *listener);
DEFINE_SCOPED(struct listener *, listener_stop);

uint16_t listener_port(const struct listener *listener);

/* Prometheus text: requests by route and code, a latency histogram, requests in flight, connections, refusals. */
void listener_metrics(const struct listener *listener, struct buffer *out);

#endif
