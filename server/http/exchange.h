/* An exchange: one request and its reply, as a handler sees it. No socket, no library type, no list of routes.
 *
 * Everything a handler allocates comes from exchange_arena and lives until the reply is sent. A handler either makes a reply and returns
 * STATUS_OK, or returns a failure with error set (it becomes a problem+json), or calls exchange_suspend and returns STATUS_OK: then the
 * connection waits, without a thread, until exchange_wake is called once, from any thread; then the finish function makes the reply as a
 * handler would. Threads: one at a time an exchange; exchange_wake alone may come from another thread, also before the handler has
 * returned. */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "core/base/arena.h"
#include "core/base/emit.h"
#include "core/base/fields.h"

#include <stdbool.h>
#include <stdint.h>

struct exchange;

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE };

/* What a route takes; flags. BODY_IMAGE: image/png, image/jpeg, image/webp, or application/octet-stream for any of them; such a body has a
 * limit of its own. */
enum body_kind { BODY_NONE = 0, BODY_JSON = 1, BODY_NDJSON = 2, BODY_IMAGE = 4 };

/* One row of the route table. path may hold segments "{name}", each an id (utf8_is_id), percent-decoded. HEAD is answered by GET rows. */
struct route {
    enum http_method method;
    const char *path;
    unsigned bodies; /* of enum body_kind; BODY_NONE: a body is refused with 415 */
    enum status (*handle)(struct exchange *exchange, struct error *error);
};

/* --- the request --- */

void *exchange_context(const struct exchange *exchange); /* what listener_start was given */
struct arena *exchange_arena(const struct exchange *exchange);
const char *exchange_segment(const struct exchange *exchange, unsigned index); /* the index-th "{…}" of the path */
enum body_kind exchange_body_kind(const struct exchange *exchange);
const char *
exchange_body_type(const struct exchange *exchange); /* "image/png": the Content-Type, without parameters; a constant, or NULL */
const char *exchange_body(const struct exchange *exchange, size_t *out_n_bytes); /* NUL-terminated */

struct parameter {
    const char *name, *value; /* percent-decoded UTF-8 */
};

/* The query parameters in order; names may repeat. */
const struct parameter *exchange_parameters(const struct exchange *exchange, size_t *out_n);

/* --- the reply --- */

/* Where the body is written (JSON through emit). Starts empty; holds at most 64 MiB. */
struct buffer *exchange_out(struct exchange *exchange);

/* Finish: send what exchange_out holds. type is "application/json" when NULL. */
enum status exchange_reply(struct exchange *exchange, unsigned code, const char *type) MUST_CHECK;

/* Add a header to the reply; name and value must be constants or live in the arena. At most 8. */
void exchange_header(struct exchange *exchange, const char *name, const char *value);

/* Send constant bytes that outlive the listener, without a copy. */
enum status exchange_reply_static(struct exchange *exchange, unsigned code, const char *type, const void *bytes, size_t n_bytes) MUST_CHECK;

/* Several mistakes at once: problem+json of code 400 with errors[]. Returns STATUS_OK: the reply is made. */
enum status exchange_reply_mistakes(struct exchange *exchange, const char *detail, const struct mistakes *mistakes) MUST_CHECK;

/* The body is not what its Content-Type says, or nothing that this route takes: a problem of code 415 with error's words. Returns
 * STATUS_OK: the reply is made. */
enum status exchange_reply_unsupported(struct exchange *exchange, const struct error *error) MUST_CHECK;

/* The HTTP code of a status: the one place that knows. 400 invalid · 404 · 409 conflict · 413 limit · 503 busy, no memory, io · 500
 * corrupt. */
unsigned status_http_code(enum status status);

/* --- waiting --- */

void exchange_suspend(struct exchange *exchange, enum status (*finish)(struct exchange *exchange, struct error *error));
void exchange_wake(struct exchange *exchange);

/* Something to carry from the handler to finish. */
void exchange_keep(struct exchange *exchange, void *thing);
void *exchange_kept(const struct exchange *exchange);

#endif
