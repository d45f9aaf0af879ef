/* The life of the listener: its threads, their start and their end. What happens to a request is in flow.c. */
#include "server/http/listener_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTION_MEMORY (64u << 10)
#define REPLY_MAX         (64u << 20)
#define SENDING_SECONDS   1 /* for answers that became ready after the drain */

/* The router decodes by itself: it must see "%2F" and "/" as different. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context, (void)connection;
    return strlen(text);
}

/* The library's own words are about clients that went away; they are not ours to print. */
static void drop_message(void *context, const char *format, va_list arguments)
{
    (void)context, (void)format, (void)arguments;
}

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static enum status read_address(const struct listener_options *options, union address *out_address, bool *out_is_v6, struct error *error)
{
    union address address = {0};
    if (inet_pton(AF_INET, options->address, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(options->port);
        *out_is_v6 = false;
    } else if (inet_pton(AF_INET6, options->address, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(options->port);
        *out_is_v6 = true;
    } else {
        return fail(error, STATUS_INVALID, "http.address \"%s\" is not an IPv4 or IPv6 address (127.0.0.1, ::1)", options->address);
    }
    *out_address = address;
    return STATUS_OK;
}

static void listener_free(struct listener *listener)
{
    connections_stop(listener->connections);
    exchange_pool_destroy(listener->pool);
    http_metrics_destroy(listener->metrics);
    (void)pthread_cond_destroy(&listener->idle);
    (void)pthread_mutex_destroy(&listener->lock);
    free(listener);
}

static size_t bodies_limit(const struct listener_options *options)
{
    size_t one = options->max_body_bytes > options->max_image_bytes ? options->max_body_bytes : options->max_image_bytes;
    return options->max_bodies_bytes > one ? options->max_bodies_bytes : one;
}

static enum status listener_prepare(const struct listener_options *options, struct listener **out_listener)
{
    struct listener *listener = calloc(1, sizeof *listener);
    if (!listener)
        return STATUS_NOMEM;
    listener->options = *options;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&listener->lock, NULL);
    (void)pthread_cond_init(&listener->idle, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    const struct pool_limits limits = {.arena_block_bytes = options->request_block_bytes,
                                       .arena_max_bytes = options->request_max_bytes,
                                       .body_max_bytes = options->max_body_bytes,
                                       .reply_max_bytes = REPLY_MAX,
                                       .bodies_max_bytes = bodies_limit(options)};
    listener->pool = exchange_pool_create(&limits);
    listener->metrics = http_metrics_create(options->routes, options->n_routes);
    listener->connections = connections_start(options->idle_seconds, options->deadline_seconds);
    if (!listener->pool || !listener->metrics || !listener->connections) {
        listener_free(listener);
        return STATUS_NOMEM;
    }
    *out_listener = listener;
    return STATUS_OK;
}

static struct MHD_Daemon *start_daemon(struct listener *listener, const union address *address, bool is_v6)
{
    const struct listener_options *options = &listener->options;
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO | MHD_USE_ERROR_LOG | (is_v6 ? MHD_USE_IPv6 : 0);
    struct MHD_OptionItem pool_or_not[] = {
        {options->n_threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)options->n_threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(flags, options->port, NULL, NULL, flow_on_request, listener, MHD_OPTION_EXTERNAL_LOGGER, drop_message, NULL,
                            MHD_OPTION_SOCK_ADDR, &address->any, MHD_OPTION_URI_LOG_CALLBACK, flow_on_target, listener,
                            MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_NOTIFY_COMPLETED, flow_on_completed, listener,
                            MHD_OPTION_NOTIFY_CONNECTION, flow_on_connection, listener, MHD_OPTION_CONNECTION_TIMEOUT,
                            options->idle_seconds, MHD_OPTION_CONNECTION_LIMIT, options->max_connections,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_ARRAY, pool_or_not, MHD_OPTION_END);
}

enum status listener_start(const struct listener_options *options, struct listener **out_listener, struct error *error)
{
    union address address;
    bool is_v6 = false;
    TRY(read_address(options, &address, &is_v6, error));
    struct listener *listener;
    if (listener_prepare(options, &listener) != STATUS_OK)
        return fail(error, STATUS_NOMEM, "no memory or thread for the listener");
    errno = 0;
    listener->daemon = start_daemon(listener, &address, is_v6);
    if (!listener->daemon) {
        bool in_use = errno == EADDRINUSE;
        (void)fail(error, STATUS_IO, "cannot listen on %s port %u: %s", options->address, options->port,
                   in_use ? "the port is in use" : strerror(errno));
        listener_free(listener);
        return in_use ? STATUS_CONFLICT : STATUS_IO;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_BIND_PORT);
    listener->port = info && info->port ? info->port : options->port;
    *out_listener = listener;
    return STATUS_OK;
}

bool listener_admit(struct listener *listener)
{
    (void)pthread_mutex_lock(&listener->lock);
    bool is_admitted = !listener->is_ending;
    listener->n_answering += is_admitted;
    (void)pthread_mutex_unlock(&listener->lock);
    return is_admitted;
}

void listener_answered(struct listener *listener)
{
    (void)pthread_mutex_lock(&listener->lock);
    if (--listener->n_answering == 0)
        (void)pthread_cond_broadcast(&listener->idle);
    (void)pthread_mutex_unlock(&listener->lock);
}

/* Wait until all requests are answered, at most seconds. Inside the lock. */
static void wait_for_answers(struct listener *listener, unsigned seconds)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    while (listener->n_in_flight && pthread_cond_timedwait(&listener->idle, &listener->lock, &until) != ETIMEDOUT)
        continue;
}

/* The library aborts the process if it is stopped with a suspended connection. So when the time is up, requests that nobody works on are
 * cut off, but those that wait for their write are waited for, however slow the disk is: they are woken in the end, and then sent what was
 * kept. */
static void drain(struct listener *listener)
{
    (void)pthread_mutex_lock(&listener->lock);
    wait_for_answers(listener, listener->options.drain_seconds);
    listener->is_ending = true;
    bool must_wait = listener->n_answering > 0;
    while (listener->n_answering)
        (void)pthread_cond_wait(&listener->idle, &listener->lock);
    if (must_wait)
        wait_for_answers(listener, SENDING_SECONDS);
    (void)pthread_mutex_unlock(&listener->lock);
}

/* Who comes now is refused at once. Not by MHD_quiesce_daemon: with threads that poll by epoll it aborts the process now and then (0.9.75,
 * and open where the library is made), because it and a thread that is awake both take the socket out of the thread's set, and neither
 * bears that it is gone. With something that is never readable in the socket's place the socket is closed, and the kernel takes it out of
 * all sets. */
static void stop_listening(struct listener *listener)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_LISTEN_FD);
    int silent = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (silent < 0)
        return; /* no file left: who comes is refused one by one */
    if (info && info->listen_fd != MHD_INVALID_SOCKET)
        (void)dup3(silent, info->listen_fd, O_CLOEXEC);
    (void)close(silent);
}

void listener_stop(struct listener *listener)
{
    if (!listener)
        return;
    stop_listening(listener);
    drain(listener);
    MHD_stop_daemon(listener->daemon);
    listener_free(listener);
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port;
}

static unsigned in_flight(const struct listener *listener)
{
    struct listener *locked = (struct listener *)(size_t)listener; /* the lock is not part of the value */
    (void)pthread_mutex_lock(&locked->lock);
    unsigned n = listener->n_in_flight;
    (void)pthread_mutex_unlock(&locked->lock);
    return n;
}

void listener_metrics(const struct listener *listener, struct buffer *out)
{
    http_metrics_write(listener->metrics, out);
    buffer_append_format(
        out,
        "# HELP inkling_http_requests_in_flight Requests that are not answered yet.\n"
        "# TYPE inkling_http_requests_in_flight gauge\n"
        "inkling_http_requests_in_flight %u\n"
        "# HELP inkling_http_connections Open connections.\n"
        "# TYPE inkling_http_connections gauge\n"
        "inkling_http_connections %u\n"
        "# HELP inkling_http_connections_shut_total Connections ended because a request took longer than http.deadline_seconds.\n"
        "# TYPE inkling_http_connections_shut_total counter\n"
        "inkling_http_connections_shut_total %llu\n"
        "# HELP inkling_http_refused_total Requests refused for their header fields.\n"
        "# TYPE inkling_http_refused_total counter\n"
        "inkling_http_refused_total %llu\n"
        "# HELP inkling_http_body_bytes Bytes set aside for the bodies of requests that are not answered yet, but for small ones.\n"
        "# TYPE inkling_http_body_bytes gauge\n"
        "inkling_http_body_bytes %zu\n"
        "# HELP inkling_http_bodies_refused_total Requests refused because all bodies together had http.max_bodies_bytes.\n"
        "# TYPE inkling_http_bodies_refused_total counter\n"
        "inkling_http_bodies_refused_total %llu\n",
        in_flight(listener), connections_count(listener->connections), (unsigned long long)connections_shut(listener->connections),
        (unsigned long long)atomic_load(&listener->n_refused), exchange_pool_body_bytes(listener->pool),
        (unsigned long long)atomic_load(&listener->n_bodies_refused));
}
