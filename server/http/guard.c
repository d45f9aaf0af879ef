/* One pass over the fields collects what the verdict needs. */
#include "server/http/guard.h"

#include <string.h>
#include <strings.h>

/* RFC 9110 section 5.6.2: what a field name may be made of. */
static bool is_token(const char *text, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte <= 0x20 || byte >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", byte))
            return false;
    }
    return n_bytes > 0;
}

static bool is_field_value(const char *text, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return false;
    }
    return true;
}

bool guard_is_target(const char *target)
{
    for (; *target; target++)
        if ((unsigned char)*target <= 0x20 || *target == 0x7f)
            return false;
    return true;
}

static bool is_name(const char *name, size_t n_name, const char *expected)
{
    return n_name == strlen(expected) && strncasecmp(name, expected, n_name) == 0;
}

static bool read_length(const char *text, size_t n_bytes, uint64_t *out_length)
{
    uint64_t length = 0;
    if (n_bytes == 0 || n_bytes > 18)
        return false;
    for (size_t i = 0; i < n_bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        length = length * 10 + (uint64_t)(text[i] - '0');
    }
    *out_length = length;
    return true;
}

void guard_see(struct guard *guard, const char *name, size_t n_name, const char *value, size_t n_value)
{
    guard->n_bytes += n_name + n_value;
    guard->bad_name |= !is_token(name, n_name);
    guard->bad_value |= !is_field_value(value, n_value);
    if (is_name(name, n_name, "Host")) {
        guard->n_host++;
    } else if (is_name(name, n_name, "Content-Length")) {
        guard->n_content_length++;
        guard->bad_length |= !read_length(value, n_value, &guard->content_length);
    } else if (is_name(name, n_name, "Transfer-Encoding")) {
        guard->n_transfer_encoding++;
        guard->bad_encoding |= !is_name(value, n_value, "chunked");
    }
}

unsigned guard_verdict(const struct guard *guard, bool is_http_11, struct error *error)
{
    const char *why = NULL;
    if (guard->n_bytes > GUARD_HEADERS_MAX) {
        (void)fail(error, STATUS_LIMIT, "the header fields are larger than %d bytes", GUARD_HEADERS_MAX);
        return 431;
    }
    if (guard->bad_name)
        why = "a header field name holds a character that is not allowed there";
    else if (guard->bad_value)
        why = "a header field value holds a control character";
    else if (guard->n_content_length && guard->n_transfer_encoding)
        why = "Content-Length and Transfer-Encoding together are ambiguous";
    else if (guard->n_content_length > 1)
        why = "more than one Content-Length";
    else if (guard->bad_length)
        why = "Content-Length is not a number of bytes";
    else if (guard->n_transfer_encoding && !is_http_11)
        why = "HTTP/1.0 has no Transfer-Encoding";
    else if (guard->n_transfer_encoding > 1 || guard->bad_encoding)
        why = "the only Transfer-Encoding understood here is chunked";
    else if (guard->n_host > 1 || (guard->n_host == 0 && is_http_11))
        why = "exactly one Host is needed";
    if (!why)
        return 0;
    (void)fail(error, STATUS_INVALID, "%s", why);
    return 400;
}
