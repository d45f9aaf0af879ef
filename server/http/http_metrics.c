/* A row of counters a route (the last row is "no route"), and one latency histogram over all. */
#include "server/http/http_metrics.h"

#include <stdatomic.h>
#include <stdlib.h>

static const unsigned codes[] = {200, 201, 202, 204, 400, 404, 405, 409, 413, 414, 415, 431, 500, 503, 0}; /* 0: any other */
static const double bounds_seconds[] = {.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 10};

#define CODES  (sizeof codes / sizeof codes[0])
#define BOUNDS (sizeof bounds_seconds / sizeof bounds_seconds[0])

struct route_counts {
    atomic_uint_fast64_t by_code[CODES];
};

struct http_metrics {
    const struct route *routes;
    size_t n_routes;
    atomic_uint_fast64_t buckets[BOUNDS + 1], sum_ns;
    struct route_counts counts[]; /* [n_routes + 1] */
};

struct http_metrics *http_metrics_create(const struct route routes[], size_t n_routes)
{
    struct http_metrics *metrics = calloc(1, sizeof *metrics + (n_routes + 1) * sizeof metrics->counts[0]);
    if (metrics) {
        metrics->routes = routes;
        metrics->n_routes = n_routes;
    }
    return metrics;
}

void http_metrics_destroy(struct http_metrics *metrics)
{
    free(metrics);
}

void http_metrics_count(struct http_metrics *metrics, const struct route *route, unsigned code, uint64_t took_ns)
{
    size_t row = route ? (size_t)(route - metrics->routes) : metrics->n_routes, column = 0, bucket = 0;
    while (codes[column] && codes[column] != code)
        column++;
    while (bucket < BOUNDS && (double)took_ns * 1e-9 > bounds_seconds[bucket])
        bucket++;
    atomic_fetch_add_explicit(&metrics->counts[row].by_code[column], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->sum_ns, took_ns, memory_order_relaxed);
}

const char *http_method_name(enum http_method method)
{
    static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    return names[method];
}

static void write_route(const struct http_metrics *metrics, size_t row, struct buffer *out)
{
    bool is_route = row < metrics->n_routes;
    for (size_t column = 0; column < CODES; column++) {
        uint64_t count = atomic_load_explicit(&metrics->counts[row].by_code[column], memory_order_relaxed);
        if (!count)
            continue;
        buffer_append_format(out, "inkling_http_requests_total{method=\"%s\",route=\"%s\",code=\"",
                             is_route ? http_method_name(metrics->routes[row].method) : "", is_route ? metrics->routes[row].path : "");
        if (codes[column])
            buffer_append_format(out, "%u\"} %llu\n", codes[column], (unsigned long long)count);
        else
            buffer_append_format(out, "other\"} %llu\n", (unsigned long long)count);
    }
}

void http_metrics_write(const struct http_metrics *metrics, struct buffer *out)
{
    buffer_append_text(out, "# HELP inkling_http_requests_total Requests answered, by route and status code.\n"
                            "# TYPE inkling_http_requests_total counter\n");
    for (size_t row = 0; row <= metrics->n_routes; row++)
        write_route(metrics, row, out);
    buffer_append_text(out, "# HELP inkling_http_request_duration_seconds Time from the request line to the end of the answer.\n"
                            "# TYPE inkling_http_request_duration_seconds histogram\n");
    uint64_t total = 0;
    for (size_t i = 0; i < BOUNDS; i++) {
        total += atomic_load_explicit(&metrics->buckets[i], memory_order_relaxed);
        buffer_append_format(out, "inkling_http_request_duration_seconds_bucket{le=\"%g\"} %llu\n", bounds_seconds[i],
                             (unsigned long long)total);
    }
    total += atomic_load_explicit(&metrics->buckets[BOUNDS], memory_order_relaxed);
    buffer_append_format(out, "inkling_http_request_duration_seconds_bucket{le=\"+Inf\"} %llu\n", (unsigned long long)total);
    buffer_append_format(out, "inkling_http_request_duration_seconds_sum %.9g\n",
                         (double)atomic_load_explicit(&metrics->sum_ns, memory_order_relaxed) * 1e-9);
    buffer_append_format(out, "inkling_http_request_duration_seconds_count %llu\n", (unsigned long long)total);
}
