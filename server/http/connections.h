/* Connections: which are open, and the end of those that drip. The library's own timeout is about idleness: a client that sends one byte now and then
 * resets it for ever, so a thread of our own shuts a connection whose request takes longer than the deadline. Threads: any. */
#ifndef HTTP_CONNECTIONS_H
#define HTTP_CONNECTIONS_H

#include "core/base/status.h"

#include <stdint.h>

struct connections;
struct connection;

/* Starts the thread. A request may take deadline_seconds from its header to the end of its answer; a header, idle_seconds + deadline_seconds from the
 * end of the request before. NULL if memory or thread cannot be had. */
struct connections *connections_start(unsigned idle_seconds, unsigned deadline_seconds);
void connections_stop(struct connections *connections); /* accepts NULL; all must be closed */

/* NULL: no memory, and the connection is then not watched. */
struct connection *connections_open(struct connections *connections, int socket);
void connections_close(struct connections *connections, struct connection *connection); /* accepts NULL */

/* A request's header is complete; its answer was sent. */
void connection_begin(struct connection *connection);
void connection_end(struct connection *connection);

unsigned connections_count(const struct connections *connections);
uint64_t connections_shut(const struct connections *connections); /* how many were ended for dripping */

#endif
