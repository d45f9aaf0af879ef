/* Request targets from anywhere: whatever the router finds has segments that are ids, whatever it refuses has a code. The routes are the shapes that exist. */
#include "core/base/utf8.h"
#include "server/http/router.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static const struct route routes[] = {
    {HTTP_GET, "/healthz", BODY_NONE, NULL},
    {HTTP_GET, "/v1/items", BODY_NONE, NULL},
    {HTTP_PUT, "/v1/items/{item}", BODY_JSON, NULL},
    {HTTP_GET, "/v1/items/{item}/similar", BODY_NONE, NULL},
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    SCOPED(arena_destroy) struct arena *arena = arena_create(4096, 1 << 20);
    char target[8192];
    if (!arena || n_bytes == 0 || n_bytes >= sizeof target)
        return 0;
    memcpy(target, bytes, n_bytes);
    target[n_bytes] = '\0';
    struct error error = {0};
    struct routed routed = {.code = 0};
    const char *segments[4] = {NULL};
    for (int method = -1; method <= HTTP_DELETE; method++) {
        if (router_find(routes, sizeof routes / sizeof *routes, method, target, arena, 4, segments, &routed, &error) != STATUS_OK)
            continue;
        assert((routed.route == NULL) == (routed.code != 0));
        if (routed.route && strchr(routed.route->path, '{'))
            assert(utf8_is_id(segments[0], strlen(segments[0])));
    }
    struct parameter parameters[16];
    size_t n = 0;
    if (router_parameters(target, arena, 16, parameters, &n, &error) == STATUS_OK)
        for (size_t i = 0; i < n; i++)
            assert(i < 16 && utf8_valid(parameters[i].name, strlen(parameters[i].name)) && utf8_valid(parameters[i].value, strlen(parameters[i].value)));
    return 0;
}
