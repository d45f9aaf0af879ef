/* Reading (node) and writing (emit) JSON: what is strict about it, and that the one reads what the other wrote. */
#include "core/base/emit.h"
#include "core/base/node.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct node *parse(const char *text)
{
    struct node *document = NULL;
    struct error error;
    cr_assert_eq(node_parse(text, strlen(text), &document, &error), STATUS_OK, "%s: %s", text, error.detail);
    return document;
}

Test(node, refuses_what_strict_json_forbids)
{
    static const char *const texts[] = {
        "", " ", "{", "[1,]", "{\"a\":1,}", "{'a':1}", "{a:1}", "[01]", "[1.]", "[.5]", "[+1]", "[1e]", "[NaN]", "[Infinity]", "nul", "[\"\\x\"]", "[\"a\tb\"]",
        "{\"a\":1,\"a\":2}", "{} {}", "[\"\\u0000\"]", "[\"\\ud800\"]", "[\"\xff\"]", "[\"\xc0\xaf\"]", "[\"\xed\xa0\x80\"]", "// x\n[]", "[1e999]",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct node *document = NULL;
        struct error error = {0};
        cr_expect_eq(node_parse(texts[i], strlen(texts[i]), &document, &error), STATUS_INVALID, "'%s' was accepted", texts[i]);
        cr_expect_null(document);
        cr_expect_neq(error.detail[0], '\0', "'%s': no reason was given", texts[i]);
    }
}

Test(node, refuses_nesting_deeper_than_32)
{
    char text[200];
    for (int depth = 30; depth < 80; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        struct node *document = NULL;
        enum status status = node_parse(text, 2 * (size_t)depth, &document, NULL);
        cr_expect_eq(status, depth <= 32 ? STATUS_OK : STATUS_INVALID, "depth %d", depth);
        node_destroy(document);
    }
}

Test(node, tells_kinds_and_values)
{
    SCOPED(node_destroy) struct node *document = parse("{\"a\":[1,-2.5,true,null,\"\\u00e9\",{}],\"b\":9223372036854775807}");
    cr_assert_eq(node_kind(document), NODE_OBJECT);
    cr_assert_eq(node_count(document), 2);
    const struct node *list = node_get(document, "a");
    cr_assert_eq(node_count(list), 6);
    cr_assert_eq(node_kind(node_at(list, 0)), NODE_INTEGER);
    cr_assert_float_eq(node_number(node_at(list, 1)), -2.5, 0);
    cr_assert_eq(node_boolean(node_at(list, 2)), true);
    cr_assert_eq(node_kind(node_at(list, 3)), NODE_NULL);
    size_t n_bytes = 0;
    cr_assert_str_eq(node_text(node_at(list, 4), &n_bytes), "é");
    cr_assert_eq(n_bytes, 2);
    cr_assert_eq(node_kind(node_at(list, 5)), NODE_OBJECT);
    cr_assert_eq(node_integer(node_get(document, "b")), INT64_MAX);
    cr_assert_null(node_get(document, "c"));
}

static enum status note_key(void *context, const char *key, const struct node *value)
{
    (void)value;
    char *keys = context;
    keys[strlen(keys)] = key[0];
    return strcmp(key, "d") == 0 ? STATUS_LIMIT : STATUS_OK;
}

Test(node, visits_members_in_the_order_of_the_text_until_told_to_stop)
{
    SCOPED(node_destroy) struct node *document = parse("{\"c\":1,\"a\":2,\"d\":3,\"b\":4}");
    char keys[8] = "";
    cr_assert_eq(node_each(document, note_key, keys), STATUS_LIMIT);
    cr_assert_str_eq(keys, "cad");
}

Test(emit, writes_what_node_reads)
{
    SCOPED(buffer_clear) struct buffer text;
    struct emit emit;
    buffer_init(&text, 4096);
    emit_init(&emit, &text);
    emit_open_object(&emit, NULL);
    emit_text(&emit, "quotes \"\\", "a\nb\x01 é \"\\");
    emit_text(&emit, "nothing", NULL);
    emit_open_array(&emit, "list");
    emit_integer(&emit, NULL, INT64_MIN);
    emit_number(&emit, NULL, 0.125, 6);
    emit_number(&emit, NULL, NAN, 6);
    emit_number(&emit, NULL, INFINITY, 6);
    emit_boolean(&emit, NULL, false);
    emit_open_object(&emit, NULL);
    emit_close_object(&emit);
    emit_close_array(&emit);
    emit_time(&emit, "at", 0);
    emit_raw(&emit, "raw", "[1]");
    emit_raw(&emit, "no raw", NULL);
    emit_close_object(&emit);
    cr_assert_eq(buffer_finish(&text, NULL), STATUS_OK);

    SCOPED(node_destroy) struct node *document = parse(text.bytes);
    cr_assert_str_eq(node_text(node_get(document, "quotes \"\\"), NULL), "a\nb\x01 é \"\\");
    cr_assert_eq(node_kind(node_get(document, "nothing")), NODE_NULL);
    const struct node *list = node_get(document, "list");
    cr_assert_eq(node_count(list), 6);
    cr_assert_eq(node_integer(node_at(list, 0)), INT64_MIN);
    cr_assert_float_eq(node_number(node_at(list, 1)), 0.125, 0);
    cr_assert_eq(node_kind(node_at(list, 2)), NODE_NULL);
    cr_assert_eq(node_kind(node_at(list, 3)), NODE_NULL);
    cr_assert_str_eq(node_text(node_get(document, "at"), NULL), "1970-01-01T00:00:00.000Z");
    cr_assert_eq(node_count(node_get(document, "raw")), 1);
    cr_assert_eq(node_kind(node_get(document, "no raw")), NODE_NULL);
}

Test(emit, replaces_invalid_utf8)
{
    SCOPED(buffer_clear) struct buffer text;
    struct emit emit;
    buffer_init(&text, 4096);
    emit_init(&emit, &text);
    emit_open_array(&emit, NULL);
    emit_text(&emit, NULL, "a\xff" "b\xc3");
    emit_close_array(&emit);
    SCOPED(node_destroy) struct node *document = parse(text.bytes);
    cr_assert_str_eq(node_text(node_at(document, 0), NULL), "a\xef\xbf\xbd" "b\xef\xbf\xbd");
}

Test(node, dumps_what_it_read)
{
    static const char text[] = "{\"b\":[1,2.5,\"\\u0001x\"],\"a\":{\"z\":null,\"y\":true}}";
    SCOPED(node_destroy) struct node *document = parse(text);
    SCOPED(buffer_clear) struct buffer dump;
    buffer_init(&dump, 4096);
    node_dump(document, &dump);
    cr_assert_str_eq(dump.bytes, text);
}
