/* Figures of the listener: counted with relaxed atomics, written as Prometheus text. Threads: any. */
#ifndef HTTP_HTTP_METRICS_H
#define HTTP_HTTP_METRICS_H

#include "server/http/exchange.h"

struct http_metrics;

struct http_metrics *http_metrics_create(const struct route routes[], size_t n_routes); /* borrows routes; NULL on no memory */
void http_metrics_destroy(struct http_metrics *metrics);

/* route = NULL: none was found. */
void http_metrics_count(struct http_metrics *metrics, const struct route *route, unsigned code, uint64_t took_ns);

void http_metrics_write(const struct http_metrics *metrics, struct buffer *out);

const char *http_method_name(enum http_method method);

#endif
