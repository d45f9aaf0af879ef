/* Targets against a small table. */
#include "server/http/router.h"

#include <criterion/criterion.h>
#include <string.h>

static enum status nothing(struct exchange *exchange, struct error *error)
{
    (void)exchange, (void)error;
    return STATUS_OK;
}

static const struct route table[] = {
    {HTTP_GET, "/", BODY_NONE, nothing},
    {HTTP_GET, "/v1/items", BODY_NONE, nothing},
    {HTTP_GET, "/v1/items/{item}", BODY_NONE, nothing},
    {HTTP_PUT, "/v1/items/{item}", BODY_JSON, nothing},
    {HTTP_GET, "/v1/items/{item}/similar", BODY_NONE, nothing},
};

struct outcome {
    enum status status;
    struct routed routed;
    const char *segments[2];
    struct error error;
};

static struct arena *arena;

static void set_up(void)
{
    arena = arena_create(4096, 1u << 20);
}

static void tear_down(void)
{
    arena_destroy(arena);
}

TestSuite(router, .init = set_up, .fini = tear_down);

static struct outcome find(int method, const char *target)
{
    struct outcome outcome = {0};
    outcome.status = router_find(table, sizeof table / sizeof table[0], method, target, arena, 2, outcome.segments, &outcome.routed, &outcome.error);
    return outcome;
}

Test(router, finds_the_root)
{
    cr_assert_eq(find(HTTP_GET, "/").routed.route, &table[0]);
}

Test(router, tells_methods_apart)
{
    cr_assert_eq(find(HTTP_PUT, "/v1/items/a").routed.route, &table[3]);
}

Test(router, ignores_the_query)
{
    cr_assert_eq(find(HTTP_GET, "/v1/items?limit=2").routed.route, &table[1]);
}

Test(router, decodes_a_segment)
{
    struct outcome outcome = find(HTTP_GET, "/v1/items/a%2Fb%20c+d/similar");
    cr_assert_eq(outcome.routed.route, &table[4]);
    cr_assert_str_eq(outcome.segments[0], "a/b c+d");
}

Test(router, answers_404_to_another_depth)
{
    cr_assert_eq(find(HTTP_GET, "/v1/items/a/b/c").routed.code, 404);
    cr_assert_eq(find(HTTP_GET, "/v1").routed.code, 404);
    cr_assert_eq(find(HTTP_GET, "/v1/items/").status, STATUS_INVALID, "an empty segment is no id");
    cr_assert_eq(find(HTTP_GET, "//v1/items").routed.code, 404);
    cr_assert_eq(find(HTTP_GET, "*").routed.code, 404);
}

Test(router, answers_405_with_what_is_allowed)
{
    struct outcome outcome = find(HTTP_DELETE, "/v1/items/a");
    char allow[64];
    router_allow(outcome.routed.allowed, allow, sizeof allow);
    cr_assert_eq(outcome.routed.code, 405);
    cr_assert_str_eq(allow, "GET, HEAD, PUT, OPTIONS");
}

Test(router, refuses_bad_escapes)
{
    cr_assert_eq(find(HTTP_GET, "/v1/items/a%2").status, STATUS_INVALID);
    cr_assert_eq(find(HTTP_GET, "/v1/items/a%").status, STATUS_INVALID);
    cr_assert_eq(find(HTTP_GET, "/v1/items/a%zz").status, STATUS_INVALID);
    cr_assert_eq(find(HTTP_GET, "/v1/items/a%00").status, STATUS_INVALID);
}

Test(router, refuses_a_segment_that_is_not_utf8)
{
    cr_assert_eq(find(HTTP_GET, "/v1/items/%ff").status, STATUS_INVALID);
}

Test(router, refuses_an_id_of_129_bytes)
{
    char target[160] = "/v1/items/";
    memset(target + strlen(target), 'a', 128);
    cr_assert_eq(find(HTTP_GET, target).status, STATUS_OK);
    target[strlen(target)] = 'a';
    cr_assert_eq(find(HTTP_GET, target).status, STATUS_INVALID);
}

static size_t parameters(const char *target, struct parameter out[3])
{
    size_t n = 99;
    return router_parameters(target, arena, 3, out, &n, NULL) == STATUS_OK ? n : 99;
}

Test(router, reads_parameters_in_order)
{
    struct parameter out[3];
    cr_assert_eq(parameters("/x?a=1&b=x+y%3D&a", out), 3);
    cr_assert_str_eq(out[0].name, "a");
    cr_assert_str_eq(out[0].value, "1");
    cr_assert_str_eq(out[1].value, "x y=");
    cr_assert_str_eq(out[2].name, "a");
    cr_assert_str_eq(out[2].value, "");
}

Test(router, takes_a_target_without_parameters)
{
    struct parameter out[3];
    cr_assert_eq(parameters("/x", out), 0);
    cr_assert_eq(parameters("/x?", out), 0);
    cr_assert_eq(parameters("/x?&&", out), 0);
}

Test(router, bounds_the_number_of_parameters)
{
    struct parameter out[3];
    cr_assert_eq(parameters("/x?a&b&c&d", out), 99);
}

Test(router, reads_the_address_that_a_client_of_a_proxy_writes)
{
    cr_assert_str_eq(router_origin_form("/v1/items?a=http://b/c"), "/v1/items?a=http://b/c");
    cr_assert_str_eq(router_origin_form("http://host:80/v1/items?a=1"), "/v1/items?a=1");
    cr_assert_str_eq(router_origin_form("HTTP://host"), "/");
    cr_assert_str_eq(router_origin_form("*"), "*");
}
