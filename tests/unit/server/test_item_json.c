/* Items as JSON. */
#include "server/api/item_json.h"

#include <criterion/criterion.h>
#include <math.h>

static const struct item bare = {.item_id = "i", .row = {.price = (double)NAN, .created_at_ms = INT64_MIN, .expires_at_ms = INT64_MIN}};

static struct arena *arena;
static struct buffer out;
static struct mistakes mistakes;

static void create(void)
{
    arena = arena_create(1024, 65536);
    buffer_init(&out, 65536);
    mistakes = (struct mistakes){.n_mistakes = 0};
}

static void destroy(void)
{
    buffer_clear(&out);
    arena_destroy(arena);
}

TestSuite(item_json, .init = create, .fini = destroy);

Test(item_json, shows_what_is_not_given_as_null_and_lists_as_empty)
{
    struct emit emit;
    emit_init(&emit, &out);
    item_emit(&bare, NULL, &emit);
    cr_assert_str_eq(
        out.bytes,
        "{\"item_id\":\"i\",\"known\":false,\"kind\":\"content\",\"title\":null,\"categories\":[],\"tags\":[],\"price\":null,"
        "\"currency\":null,\"url\":null,\"attributes\":null,\"text\":null,\"categories_predicted\":false,\"hidden\":false,\"created_at\":null,\"expires_at\":null}");
}

Test(item_json, shows_only_the_parts_that_were_asked_for)
{
    const char *names[] = {"price", "kind"};
    struct item mug = bare;
    struct emit emit;
    unsigned parts = 0;
    mug.row.kind = ITEM_PRODUCT;
    mug.row.price = 9.1;
    cr_assert_eq(item_parts_read(&(struct texts){.texts = names, .n_texts = 2}, "fields", arena, &parts, &mistakes), STATUS_OK);
    emit_init(&emit, &out);
    emit_open_object(&emit, NULL);
    item_emit_parts(&mug, parts, &emit);
    emit_close_object(&emit);
    cr_assert_str_eq(out.bytes, "{\"kind\":\"product\",\"price\":9.1}");
}

Test(item_json, refuses_a_part_that_lists_may_not_have)
{
    const char *names[] = {"title", "text"};
    unsigned parts = 77;
    cr_assert_eq(item_parts_read(&(struct texts){.texts = names, .n_texts = 2}, "fields", arena, &parts, &mistakes), STATUS_INVALID);
    cr_assert_eq(parts, 77);
    cr_assert_str_eq(mistakes.mistakes[0].pointer, "fields");
}
