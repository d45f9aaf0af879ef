/* The listener over real sockets, with handlers of its own: waiting, stopping, deadlines and limits. Nothing sleeps: a test waits for the
 * peer's bytes, for the end of a connection, or for a handler's word. */
#include "server/http/listener.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_BODY_BYTES  4096
#define MAX_IMAGE_BYTES 64

/* What handlers and tests share. */
struct stage {
    sem_t arrived; /* a handler has suspended its exchange */
    struct exchange *_Atomic waiting;
    atomic_int n_open; /* handlers and finishes between enter and leave */
};

static enum status reply_text(struct exchange *exchange, const char *text)
{
    buffer_append_text(exchange_out(exchange), text);
    return exchange_reply(exchange, 200, "text/plain");
}

static enum status hello(struct exchange *exchange, struct error *error)
{
    (void)error;
    return reply_text(exchange, "hello");
}

static enum status echo(struct exchange *exchange, struct error *error)
{
    size_t n_bytes = 0;
    (void)error;
    return reply_text(exchange, exchange_body(exchange, &n_bytes));
}

static enum status image(struct exchange *exchange, struct error *error)
{
    (void)error;
    return reply_text(exchange, exchange_body_type(exchange));
}

static enum status woken(struct exchange *exchange, struct error *error)
{
    (void)error;
    return reply_text(exchange, exchange_kept(exchange));
}

/* Waits until the test wakes it. */
static enum status wait_long(struct exchange *exchange, struct error *error)
{
    struct stage *stage = exchange_context(exchange);
    (void)error;
    exchange_keep(exchange, arena_copy(exchange_arena(exchange), "woken", 5));
    exchange_suspend(exchange, woken);
    stage->waiting = exchange;
    (void)sem_post(&stage->arrived);
    return STATUS_OK;
}

/* Is woken before it has suspended: the waker may be that fast. */
static enum status wait_not_at_all(struct exchange *exchange, struct error *error)
{
    (void)error;
    exchange_keep(exchange, arena_copy(exchange_arena(exchange), "early", 5));
    exchange_suspend(exchange, woken);
    exchange_wake(exchange);
    return STATUS_OK;
}

static enum status fail_busy(struct exchange *exchange, struct error *error)
{
    (void)exchange;
    return fail(error, STATUS_BUSY, "the queue is full");
}

static const struct route routes[] = {
    {HTTP_GET, "/hello", BODY_NONE, hello},           {HTTP_POST, "/echo", BODY_JSON, echo},     {HTTP_GET, "/wait", BODY_NONE, wait_long},
    {HTTP_GET, "/early", BODY_NONE, wait_not_at_all}, {HTTP_GET, "/busy", BODY_NONE, fail_busy}, {HTTP_PUT, "/image", BODY_IMAGE, image},
};

static unsigned enter(void *context)
{
    struct stage *stage = context;
    return (unsigned)atomic_fetch_add(&stage->n_open, 1);
}

static void leave(void *context, unsigned slot)
{
    struct stage *stage = context;
    (void)slot;
    atomic_fetch_sub(&stage->n_open, 1);
}

/* max_body_bytes of a body, max_bodies_bytes of all of them. */
static struct listener *start_with(struct stage *stage, unsigned deadline_seconds, unsigned drain_seconds, size_t max_body_bytes,
                                   size_t max_bodies_bytes)
{
    struct listener *listener = NULL;
    struct error error = {0};
    (void)signal(SIGPIPE, SIG_IGN);
    memset(stage, 0, sizeof *stage);
    (void)sem_init(&stage->arrived, 0, 0);
    const struct listener_options options = {
        .address = "127.0.0.1",
        .n_threads = 2,
        .max_connections = 64,
        .max_body_bytes = max_body_bytes,
        .max_bodies_bytes = max_bodies_bytes,
        .max_image_bytes = MAX_IMAGE_BYTES,
        .request_block_bytes = 4096,
        .request_max_bytes = 1 << 20,
        .idle_seconds = 60,
        .deadline_seconds = deadline_seconds,
        .drain_seconds = drain_seconds,
        .routes = routes,
        .n_routes = sizeof routes / sizeof routes[0],
        .enter = enter,
        .leave = leave,
        .context = stage,
    };
    cr_assert_eq(listener_start(&options, &listener, &error), STATUS_OK, "%s", error.detail);
    return listener;
}

static struct listener *start(struct stage *stage, unsigned deadline_seconds, unsigned drain_seconds)
{
    return start_with(stage, deadline_seconds, drain_seconds, MAX_BODY_BYTES, 1 << 20);
}

/* --- a client --- */

/* -1: refused. */
static int try_to_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(peer >= 0);
    if (connect(peer, (struct sockaddr *)&address, sizeof address) == 0)
        return peer;
    (void)close(peer);
    return -1;
}

static int connect_to(const struct listener *listener)
{
    int peer = try_to_connect(listener_port(listener));
    cr_assert(peer >= 0);
    return peer;
}

static void send_text(int peer, const char *text)
{
    cr_assert_eq(send(peer, text, strlen(text), 0), (ssize_t)strlen(text));
}

/* What comes until the peer closes. */
static const char *read_to_end(int peer, char out_text[], size_t max_bytes)
{
    size_t n_bytes = 0;
    for (ssize_t n = 1; n > 0 && n_bytes + 1 < max_bytes; n_bytes += n > 0 ? (size_t)n : 0)
        n = recv(peer, out_text + n_bytes, max_bytes - 1 - n_bytes, 0);
    out_text[n_bytes] = '\0';
    (void)close(peer);
    return out_text;
}

#define REQUEST(method, path) method " " path " HTTP/1.1\r\nHost: x\r\n"
#define CLOSE                 "Connection: close\r\n\r\n"

/* The whole answer to a request that asks for the end of the connection. */
static const char *ask(const struct listener *listener, const char *request, char out_text[], size_t max_bytes)
{
    int peer = connect_to(listener);
    send_text(peer, request);
    return read_to_end(peer, out_text, max_bytes);
}

#define ASK(request)      ask(listener, request, text, sizeof text)
#define HAS(text, wanted) cr_assert(strstr(text, wanted), "expected \"%s\" in:\n%s", wanted, text)

/* --- waiting --- */

Test(listener, answers_a_suspended_request_when_it_is_woken)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start(&stage, 10, 5);
    int peer = connect_to(listener);
    send_text(peer, REQUEST("GET", "/wait") CLOSE);
    (void)sem_wait(&stage.arrived);
    HAS(ASK(REQUEST("GET", "/hello") CLOSE), "hello"); /* others are served meanwhile */
    exchange_wake(stage.waiting);
    HAS(read_to_end(peer, text, sizeof text), "\r\n\r\nwoken");
    listener_stop(listener);
}

Test(listener, answers_a_request_that_is_woken_before_it_is_suspended)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start(&stage, 10, 5);
    for (int i = 0; i < 200; i++)
        HAS(ASK(REQUEST("GET", "/early") CLOSE), "\r\n\r\nearly");
    listener_stop(listener);
}

Test(listener, brackets_every_handler_with_enter_and_leave)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start(&stage, 10, 5);
    (void)ASK(REQUEST("GET", "/early") CLOSE);
    (void)ASK(REQUEST("GET", "/busy") CLOSE);
    listener_stop(listener);
    cr_assert_eq(stage.n_open, 0);
}

/* --- stopping --- */

static void *stop(void *listener)
{
    listener_stop(listener);
    return NULL;
}

/* The listener is stopping once nobody is let in any more. */
static pthread_t begin_stop(struct listener *listener)
{
    pthread_t thread;
    uint16_t port = listener_port(listener);
    cr_assert_eq(pthread_create(&thread, NULL, stop, listener), 0);
    for (int peer; (peer = try_to_connect(port)) >= 0;)
        (void)close(peer);
    return thread;
}

Test(listener, answers_what_came_in_before_it_stops)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start(&stage, 10, 60);
    int peer = connect_to(listener);
    send_text(peer, REQUEST("GET", "/wait") CLOSE);
    (void)sem_wait(&stage.arrived);
    pthread_t thread = begin_stop(listener);
    exchange_wake(stage.waiting);
    HAS(read_to_end(peer, text, sizeof text), "\r\n\r\nwoken");
    (void)pthread_join(thread, NULL);
}

/* Does the thread still run after so many seconds? Waiting longer can only make a wrong "yes" less likely: nothing but the wake ends a
 * right one. */
static bool still_runs(pthread_t thread, unsigned seconds)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    return pthread_timedjoin_np(thread, NULL, &until) == ETIMEDOUT;
}

/* The library would abort the process. */
Test(listener, waits_for_a_suspended_request_beyond_the_drain)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start(&stage, 10, 0);
    int peer = connect_to(listener);
    send_text(peer, REQUEST("GET", "/wait") CLOSE);
    (void)sem_wait(&stage.arrived);
    pthread_t thread = begin_stop(listener);
    cr_assert(still_runs(thread, 2));
    exchange_wake(stage.waiting);
    HAS(read_to_end(peer, text, sizeof text), "\r\n\r\nwoken");
    (void)pthread_join(thread, NULL);
}

Test(listener, cuts_off_a_half_request_when_the_drain_is_over)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start(&stage, 60, 0);
    int peer = connect_to(listener);
    send_text(peer, REQUEST("POST", "/echo") "Content-Type: application/json\r\nContent-Length: 9\r\n\r\nhalf");
    HAS(ASK(REQUEST("GET", "/hello") CLOSE), "hello");
    listener_stop(listener);
    cr_assert_str_empty(read_to_end(peer, text, sizeof text));
}

/* --- deadlines and limits --- */

/* The library's own timeout is a minute here. */
Test(listener, ends_a_request_that_takes_longer_than_the_deadline)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start(&stage, 1, 0);
    cr_assert_str_empty(ASK(REQUEST("POST", "/echo") "Content-Type: application/json\r\nContent-Length: 9\r\n\r\nhalf"));
    listener_stop(listener);
}

Test(listener, refuses_an_announced_body_beyond_the_limit_at_once)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start(&stage, 10, 0);
    HAS(ASK(REQUEST("POST", "/echo") "Content-Type: application/json\r\nContent-Length: 4097\r\n\r\n"), "HTTP/1.1 413 ");
    listener_stop(listener);
}

/* Sends size bytes in one chunk, then the end of the body. */
static void send_chunked(int peer, size_t size)
{
    static char bytes[64 << 10];
    char head[64];
    memset(bytes, ' ', sizeof bytes);
    send_text(peer, REQUEST("POST", "/echo") "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    (void)snprintf(head, sizeof head, "%zx\r\n", size);
    send_text(peer, head);
    for (size_t n = 0; n < size; n += sizeof bytes)
        (void)send(peer, bytes, size - n < sizeof bytes ? size - n : sizeof bytes, 0);
    (void)send(peer, "\r\n0\r\n\r\n", 7, 0);
}

Test(listener, refuses_a_chunked_body_that_grows_beyond_the_limit)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start(&stage, 10, 0);
    static const size_t sizes[] = {4097, 300 << 10, 8 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int peer = connect_to(listener);
        send_chunked(peer, sizes[i]);
        HAS(read_to_end(peer, text, sizeof text), "HTTP/1.1 413 ");
    }
    listener_stop(listener);
}

Test(listener, holds_images_to_a_limit_of_their_own)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start(&stage, 10, 0);
    HAS(ASK(REQUEST("PUT", "/image") "Content-Type: image/png\r\nContent-Length: 65\r\n\r\n"), "HTTP/1.1 413 ");
    HAS(text, "larger than 64 bytes");
    HAS(ASK(REQUEST("PUT", "/image") "Content-Type: IMAGE/PNG;q=1\r\nContent-Length: 4\r\n" CLOSE "file"), "\r\n\r\nimage/png");
    HAS(ASK(REQUEST("PUT", "/image") "Content-Type: image/gif\r\nContent-Length: 4\r\n" CLOSE "file"), "HTTP/1.1 415 ");
    listener_stop(listener);
}

Test(listener, gives_other_bodies_their_limit_back_behind_an_image)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start(&stage, 10, 0);
    (void)ASK(REQUEST("PUT", "/image") "Content-Type: image/webp\r\nContent-Length: 4\r\n\r\nfile" /* on one connection */
              REQUEST("POST", "/echo") "Content-Type: application/json\r\nContent-Length: 70\r\n" CLOSE
                                       "[1234567890,1234567890,1234567890,1234567890,1234567890,1234567890,12]");
    HAS(text, "image/webp");
    HAS(text, "1234567890,12]");
    listener_stop(listener);
}

Test(listener, asks_for_the_body_that_a_client_holds_back)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start(&stage, 10, 0);
    int peer = connect_to(listener);
    send_text(peer, REQUEST("POST", "/echo") "Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n" CLOSE);
    ssize_t n = recv(peer, text, sizeof text - 1, 0);
    cr_assert(n > 0);
    text[n] = '\0';
    HAS(text, "HTTP/1.1 100 ");
    send_text(peer, "{}");
    HAS(read_to_end(peer, text, sizeof text), "\r\n\r\n{}");
    listener_stop(listener);
}

/* --- all bodies together --- */

enum { LARGE_BODY = 200 << 10, MOST_BODY = 256 << 10, MOST_BODIES = 300 << 10 };

#define LARGE_HEAD REQUEST("POST", "/echo") "Content-Type: application/json\r\nContent-Length: 204800\r\n"
#define CONTINUE   "HTTP/1.1 100 "

static void send_blanks(int peer, size_t n_bytes)
{
    static char bytes[LARGE_BODY];
    memset(bytes, ' ', sizeof bytes);
    for (ssize_t n; n_bytes && (n = send(peer, bytes, n_bytes, 0)) > 0;)
        n_bytes -= (size_t)n;
    cr_assert_eq(n_bytes, 0);
}

/* Reads until so many bytes came behind the empty line, whose connection stays open. */
static void read_answer(int peer, size_t n_body)
{
    static char text[LARGE_BODY + 4096];
    size_t n_bytes = 0;
    for (const char *body = NULL; !body || n_bytes < (size_t)(body - text) + n_body;) {
        ssize_t n = recv(peer, text + n_bytes, sizeof text - 1 - n_bytes, 0);
        cr_assert(n > 0);
        n_bytes += (size_t)n;
        text[n_bytes] = '\0';
        body = strstr(text, "\r\n\r\n");
        body = body ? body + 4 : NULL;
    }
}

/* A client that has announced a large body: when this returns, the listener has seen the header. */
static int announce_body(const struct listener *listener)
{
    char text[4096];
    int peer = connect_to(listener);
    send_text(peer, LARGE_HEAD "Expect: 100-continue\r\n\r\n");
    ssize_t n = recv(peer, text, sizeof text - 1, 0);
    cr_assert(n > 0);
    text[n] = '\0';
    HAS(text, CONTINUE);
    return peer;
}

/* The last byte is missing. */
static int hold_body_back(const struct listener *listener)
{
    int peer = announce_body(listener);
    send_blanks(peer, LARGE_BODY - 1);
    return peer;
}

Test(listener, refuses_a_body_for_which_others_leave_no_room)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start_with(&stage, 60, 0, MOST_BODY, MOST_BODIES);
    int peer = hold_body_back(listener);
    HAS(ASK(LARGE_HEAD "\r\n"), "HTTP/1.1 503 ");
    HAS(text, "Retry-After: ");
    HAS(text, "application/problem+json");
    HAS(ASK(REQUEST("POST", "/echo") "Content-Type: application/json\r\nContent-Length: 2\r\n" CLOSE "{}"), "\r\n\r\n{}");
    send_blanks(peer, 1);
    read_answer(peer, LARGE_BODY);
    send_text(peer, LARGE_HEAD "\r\n"); /* on one connection: the body before it is gone */
    send_blanks(peer, LARGE_BODY);
    read_answer(peer, LARGE_BODY);
    (void)close(peer);
    listener_stop(listener);
}

Test(listener, refuses_a_chunked_body_for_which_others_leave_no_room)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start_with(&stage, 60, 0, MOST_BODY, MOST_BODIES);
    int holder = hold_body_back(listener), peer = connect_to(listener);
    send_chunked(peer, LARGE_BODY);
    HAS(read_to_end(peer, text, sizeof text), "HTTP/1.1 503 ");
    (void)close(holder);
    listener_stop(listener);
}

/* The setting may be smaller than a body: it would never be taken. */
Test(listener, always_has_room_for_one_body)
{
    struct stage stage;
    struct listener *listener = start_with(&stage, 60, 0, MOST_BODY, 1024);
    int peer = connect_to(listener);
    send_text(peer, LARGE_HEAD "\r\n");
    send_blanks(peer, LARGE_BODY);
    read_answer(peer, LARGE_BODY);
    (void)close(peer);
    listener_stop(listener);
}

static bool says(const struct listener *listener, const char *line)
{
    SCOPED(buffer_clear) struct buffer metrics;
    buffer_init(&metrics, 1 << 20);
    listener_metrics(listener, &metrics);
    return strstr(metrics.bytes, line) != NULL;
}

Test(listener, gives_the_room_of_a_body_back_when_its_client_leaves, .timeout = 60)
{
    struct stage stage;
    struct listener *listener = start_with(&stage, 60, 0, MOST_BODY, MOST_BODIES);
    int peer = announce_body(listener); /* no more: the library may miss the end behind a piece that it has read */
    cr_assert(says(listener, "\ninkling_http_body_bytes 204800\n"));
    (void)close(peer);
    while (!says(listener, "\ninkling_http_body_bytes 0\n"))
        (void)sched_yield();
    listener_stop(listener);
}

/* --- answers --- */

Test(listener, answers_pipelined_requests_in_order)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start(&stage, 10, 0);
    (void)ASK(REQUEST("GET", "/early") "\r\n" REQUEST("GET", "/hello") "\r\n" REQUEST("GET", "/none") CLOSE);
    const char *first = strstr(text, "early"), *second = strstr(text, "hello"), *third = strstr(text, "HTTP/1.1 404 ");
    cr_assert(first && second && third && first < second && second < third, "%s", text);
    listener_stop(listener);
}

Test(listener, tells_a_client_of_a_busy_service_when_to_come_again)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start(&stage, 10, 0);
    HAS(ASK(REQUEST("GET", "/busy") CLOSE), "HTTP/1.1 503 ");
    HAS(text, "Retry-After: ");
    HAS(text, "application/problem+json");
    HAS(text, "the queue is full");
    listener_stop(listener);
}

Test(listener, counts_requests_by_route_and_code)
{
    struct stage stage;
    char text[4096];
    struct listener *listener = start(&stage, 10, 0);
    SCOPED(buffer_clear) struct buffer metrics;
    buffer_init(&metrics, 1 << 20);
    (void)ASK(REQUEST("GET", "/busy") "\r\n" REQUEST("GET", "/busy") "\r\n" REQUEST("GET", "/hello") CLOSE);
    listener_metrics(listener, &metrics);
    HAS(metrics.bytes, "inkling_http_requests_total{method=\"GET\",route=\"/busy\",code=\"503\"} 2\n");
    listener_stop(listener);
}

Test(listener, refuses_a_port_that_is_taken)
{
    struct stage stage;
    struct listener *listener = start(&stage, 10, 0), *second = NULL;
    struct error error = {0};
    const struct listener_options options = {.address = "127.0.0.1",
                                             .port = listener_port(listener),
                                             .n_threads = 1,
                                             .max_connections = 4,
                                             .max_body_bytes = 64,
                                             .request_block_bytes = 4096,
                                             .request_max_bytes = 8192,
                                             .idle_seconds = 1,
                                             .deadline_seconds = 1,
                                             .routes = routes,
                                             .n_routes = 1};
    cr_assert_eq(listener_start(&options, &second, &error), STATUS_CONFLICT);
    HAS(error.detail, "in use");
    listener_stop(listener);
}
