/* The guard: which header fields libmicrohttpd lets through although a proxy in front may read them in another way (request smuggling), and
 * the limits on their size. RFC 9112 sections 3.2, 5.1, 6.1, 6.3. Pure but for the iteration over the fields. */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include "core/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUARD_TARGET_MAX  8192
#define GUARD_HEADERS_MAX 16384

struct guard {
    unsigned n_host, n_content_length, n_transfer_encoding;
    bool bad_name, bad_value, bad_length, bad_encoding;
    uint64_t content_length;
    size_t n_bytes; /* of all names and values */
};

/* Is target free of blanks and control characters? The library takes "GET /a b HTTP/1.1" for a target with a blank (RFC 9112 section 3.2).
 */
bool guard_is_target(const char *target);

/* Look at one field. */
void guard_see(struct guard *guard, const char *name, size_t n_name, const char *value, size_t n_value);

/* After the last field: 0, or the code to refuse with (400, 431) and why. is_http_11: 1.1 or later. */
unsigned guard_verdict(const struct guard *guard, bool is_http_11, struct error *error);

#endif
