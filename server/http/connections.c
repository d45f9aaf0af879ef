/* A list under a lock and a thread that walks it once a second. A socket is shut while the lock is held, and leaves the list before the
 * library closes it, so a number that was given to another connection in the meantime is never hit. */
#include "server/http/connections.h"

#include "core/base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define SECOND_NS UINT64_C(1000000000)

struct connection {
    struct connection *next, *previous;
    int socket;
    atomic_uint_fast64_t since_ns;
    atomic_bool in_request;
    bool is_shut;
};

struct connections {
    uint64_t deadline_ns, waiting_ns;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the fields below */
    pthread_cond_t stop;
    bool stopping;
    struct connection *first;
    atomic_uint n_open;
    atomic_uint_fast64_t n_shut;
};

static void shut_overdue(struct connections *connections)
{
    uint64_t now = clock_monotonic_ns();
    for (struct connection *at = connections->first; at; at = at->next) {
        uint64_t since = atomic_load(&at->since_ns),
                 limit = atomic_load(&at->in_request) ? connections->deadline_ns : connections->waiting_ns;
        if (at->is_shut || now <= since || now - since <= limit)
            continue;
        at->is_shut = true;
        (void)shutdown(at->socket, SHUT_RDWR);
        atomic_fetch_add(&connections->n_shut, 1);
    }
}

static void *watch(void *argument)
{
    struct connections *connections = argument;
    (void)pthread_mutex_lock(&connections->lock);
    while (!connections->stopping) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec++;
        (void)pthread_cond_timedwait(&connections->stop, &connections->lock, &until);
        shut_overdue(connections);
    }
    (void)pthread_mutex_unlock(&connections->lock);
    return NULL;
}

struct connections *connections_start(unsigned idle_seconds, unsigned deadline_seconds)
{
    struct connections *connections = calloc(1, sizeof *connections);
    if (!connections)
        return NULL;
    connections->deadline_ns = deadline_seconds * SECOND_NS;
    connections->waiting_ns = ((uint64_t)idle_seconds + deadline_seconds) * SECOND_NS;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&connections->lock, NULL);
    (void)pthread_cond_init(&connections->stop, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (pthread_create(&connections->thread, NULL, watch, connections)) {
        free(connections);
        return NULL;
    }
    return connections;
}

void connections_stop(struct connections *connections)
{
    if (!connections)
        return;
    (void)pthread_mutex_lock(&connections->lock);
    connections->stopping = true;
    (void)pthread_cond_signal(&connections->stop);
    (void)pthread_mutex_unlock(&connections->lock);
    (void)pthread_join(connections->thread, NULL);
    (void)pthread_cond_destroy(&connections->stop);
    (void)pthread_mutex_destroy(&connections->lock);
    free(connections);
}

struct connection *connections_open(struct connections *connections, int socket)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->socket = socket;
    connection_end(connection);
    (void)pthread_mutex_lock(&connections->lock);
    connection->next = connections->first;
    if (connection->next)
        connection->next->previous = connection;
    connections->first = connection;
    (void)pthread_mutex_unlock(&connections->lock);
    atomic_fetch_add(&connections->n_open, 1);
    return connection;
}

void connections_close(struct connections *connections, struct connection *connection)
{
    if (!connection)
        return;
    (void)pthread_mutex_lock(&connections->lock);
    if (connection->next)
        connection->next->previous = connection->previous;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        connections->first = connection->next;
    (void)pthread_mutex_unlock(&connections->lock);
    atomic_fetch_sub(&connections->n_open, 1);
    free(connection);
}

void connection_begin(struct connection *connection)
{
    atomic_store(&connection->since_ns, clock_monotonic_ns());
    atomic_store(&connection->in_request, true);
}

void connection_end(struct connection *connection)
{
    atomic_store(&connection->since_ns, clock_monotonic_ns());
    atomic_store(&connection->in_request, false);
}

unsigned connections_count(const struct connections *connections)
{
    return atomic_load(&connections->n_open);
}

uint64_t connections_shut(const struct connections *connections)
{
    return atomic_load(&connections->n_shut);
}
