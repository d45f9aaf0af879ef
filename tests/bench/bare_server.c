/* What libmicrohttpd does with nothing behind it: the rival of `tests/bench/run serve`.
 *
 *   bare_server BYTES     answers every request with BYTES bytes of JSON-like text; prints its port, ends on end of standard input
 *
 * The daemon has the flags and options of server/http/listener.c, and as there the answer is queued in the last call of the handler
 * (in the first one libmicrohttpd 0.9.75 gives up keep-alive) and made anew for every request, so that both pay for the same copy. */
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct answer {
    char *bytes;
    size_t n_bytes;
};

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                              const char *upload, size_t *n_upload, void **request)
{
    const struct answer *ready = context;
    static const int seen = 1;
    (void)url, (void)method, (void)version, (void)upload;
    if (!*request) {
        *request = (void *)&seen;
        return MHD_YES;
    }
    if (*n_upload) {
        *n_upload = 0;
        return MHD_YES;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(ready->n_bytes, ready->bytes, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "application/json");
    MHD_add_response_header(response, "X-Request-Id", "0123456789abcdef0123456789abcdef");
    enum MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return queued;
}

int main(int argc, char *argv[])
{
    struct answer ready = {.n_bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 2048};
    ready.bytes = malloc(ready.n_bytes + 1);
    if (!ready.bytes)
        return 1;
    memset(ready.bytes, 'x', ready.n_bytes);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    unsigned n_threads = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO, 0, NULL, NULL, answer, &ready, MHD_OPTION_SOCK_ADDR, &address,
                                                 MHD_OPTION_THREAD_POOL_SIZE, n_threads, MHD_OPTION_CONNECTION_LIMIT, 1024u, MHD_OPTION_CONNECTION_TIMEOUT, 60u,
                                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536, MHD_OPTION_END);
    if (!daemon)
        return 1;
    printf("%u\n", (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    MHD_stop_daemon(daemon);
    free(ready.bytes);
    return 0;
}
