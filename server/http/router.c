/* The path is cut at '/' once, undecoded; then every row of the table is compared segment by segment. */
#include "server/http/router.h"

#include "core/base/utf8.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 8

struct piece {
    const char *bytes;
    size_t n_bytes;
};

const char *router_origin_form(const char *target)
{
    static const char scheme[] = "http://";
    if (strncasecmp(target, scheme, sizeof scheme - 1) != 0)
        return target;
    const char *host = target + sizeof scheme - 1, *path = host + strcspn(host, "/?#");
    return *path ? path : "/";
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* Decode in the arena. NULL with a status: bad encoding, a NUL, or invalid UTF-8. */
static enum status decode(struct piece piece, bool plus_is_space, struct arena *arena, const char **out_text, struct error *error)
{
    char *text = arena_alloc(arena, piece.n_bytes + 1);
    if (!text)
        return fail(error, STATUS_LIMIT, "the request is too large");
    size_t n = 0;
    for (size_t i = 0; i < piece.n_bytes; i++) {
        char byte = piece.bytes[i];
        if (byte == '%') {
            bool is_whole = piece.n_bytes - i > 2;
            int high = is_whole ? hex_value(piece.bytes[i + 1]) : -1, low = is_whole ? hex_value(piece.bytes[i + 2]) : -1;
            if (high < 0 || low < 0)
                return fail(error, STATUS_INVALID, "a '%%' in the address is not followed by two hexadecimal digits");
            byte = (char)(high * 16 + low);
            i += 2;
        } else if (byte == '+' && plus_is_space) {
            byte = ' ';
        }
        if (byte == '\0')
            return fail(error, STATUS_INVALID, "the address holds a NUL byte");
        text[n++] = byte;
    }
    if (!utf8_valid(text, n))
        return fail(error, STATUS_INVALID, "the address is not UTF-8");
    *out_text = text;
    return STATUS_OK;
}

/* The segments of "/a/b/c" up to '?', '#' or the end. Returns DEPTH_MAX + 1 if there are more than DEPTH_MAX. */
static unsigned cut_path(const char *path, struct piece out_pieces[DEPTH_MAX])
{
    unsigned n = 0;
    if (*path != '/')
        return DEPTH_MAX + 1;
    do {
        const char *start = ++path;
        path += strcspn(path, "/?#");
        if (n == DEPTH_MAX)
            return DEPTH_MAX + 1;
        out_pieces[n++] = (struct piece){start, (size_t)(path - start)};
    } while (*path == '/');
    return n;
}

static bool is_variable(struct piece piece)
{
    return piece.n_bytes > 2 && piece.bytes[0] == '{';
}

static bool path_matches(const char *template, const struct piece pieces[], unsigned n_pieces)
{
    struct piece expected[DEPTH_MAX];
    if (cut_path(template, expected) != n_pieces)
        return false;
    for (unsigned i = 0; i < n_pieces; i++) {
        if (is_variable(expected[i]))
            continue;
        if (expected[i].n_bytes != pieces[i].n_bytes || memcmp(expected[i].bytes, pieces[i].bytes, pieces[i].n_bytes) != 0)
            return false;
    }
    return true;
}

/* Decode the variable segments of the route; each must be an id. */
static enum status take_segments(const char *template, const struct piece pieces[], unsigned n_pieces, struct arena *arena,
                                 unsigned max_segments, const char *out_segments[], struct error *error)
{
    struct piece expected[DEPTH_MAX];
    unsigned n = 0;
    (void)cut_path(template, expected);
    for (unsigned i = 0; i < n_pieces; i++) {
        if (!is_variable(expected[i]) || n == max_segments)
            continue;
        TRY(decode(pieces[i], false, arena, &out_segments[n], error));
        if (!utf8_is_id(out_segments[n], strlen(out_segments[n])))
            return fail(error, STATUS_INVALID, "%.*s in the address must be 1 to %d bytes of UTF-8 without control characters",
                        (int)expected[i].n_bytes, expected[i].bytes, ID_MAX_BYTES);
        n++;
    }
    return STATUS_OK;
}

enum status router_find(const struct route routes[], size_t n_routes, int method, const char *target, struct arena *arena,
                        unsigned max_segments, const char *out_segments[], struct routed *out_routed, struct error *error)
{
    struct piece pieces[DEPTH_MAX];
    unsigned n_pieces = cut_path(target, pieces);
    struct routed routed = {.code = 404};
    for (size_t i = 0; i < n_routes && n_pieces <= DEPTH_MAX; i++) {
        if (!path_matches(routes[i].path, pieces, n_pieces))
            continue;
        routed.allowed |= 1u << routes[i].method;
        if ((int)routes[i].method == method)
            routed.route = &routes[i];
    }
    if (routed.route) {
        routed.code = 0;
        TRY(take_segments(routed.route->path, pieces, n_pieces, arena, max_segments, out_segments, error));
    } else if (routed.allowed) {
        routed.code = 405;
    }
    *out_routed = routed;
    return STATUS_OK;
}

enum status router_parameters(const char *target, struct arena *arena, size_t max, struct parameter out_parameters[], size_t *out_n,
                              struct error *error)
{
    size_t n = 0;
    const char *at = strchr(target, '?');
    while (at && *at && *at != '#') {
        const char *start = at + 1;
        size_t length = strcspn(start, "&#"), name_length = strcspn(start, "=&#");
        at = start[length] == '&' ? start + length : NULL;
        if (length == 0)
            continue;
        if (n == max)
            return fail(error, STATUS_INVALID, "more than %zu parameters in the address", max);
        struct piece name = {start, name_length}, value = {start + length, 0};
        if (name_length < length)
            value = (struct piece){start + name_length + 1, length - name_length - 1};
        TRY(decode(name, true, arena, &out_parameters[n].name, error));
        TRY(decode(value, true, arena, &out_parameters[n].value, error));
        n++;
    }
    *out_n = n;
    return STATUS_OK;
}

void router_allow(unsigned allowed, char *out_text, size_t n_bytes)
{
    static const char *const names[] = {"GET, HEAD", "POST", "PUT", "PATCH", "DELETE"};
    size_t used = 0;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (allowed >> i & 1 && used < n_bytes)
            used += (size_t)snprintf(out_text + used, n_bytes - used, "%s, ", names[i]);
    }
    if (used < n_bytes)
        (void)snprintf(out_text + used, n_bytes - used, "OPTIONS");
}
