/* Records read by field tables: every kind of field, from JSON and from plain text, and whether a mistake says where and what. */
#include "core/base/fields.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct part {
    const char *name;
    int64_t n;
};

struct thing {
    const char *id, *text, *object;
    double number;
    int64_t whole, at_ms;
    bool flag;
    int choice;
    struct texts tags;
    struct records parts;
};

static const char *const colours[] = {"red", "green", NULL};

static const struct field part_table[] = {
    {.name = "name", .kind = FIELD_ID, .required = true, .offset = offsetof(struct part, name)},
    {.name = "n", .kind = FIELD_INTEGER, .offset = offsetof(struct part, n)},
};
static const struct fields part_fields = {.what = "a part", .fields = part_table, .n_fields = 2, .record_bytes = sizeof(struct part)};

static const struct field thing_table[] = {
    {.name = "id", .kind = FIELD_ID, .required = true, .offset = offsetof(struct thing, id)},
    {.name = "text", .kind = FIELD_TEXT, .max = 10, .offset = offsetof(struct thing, text)},
    {.name = "object", .kind = FIELD_JSON, .max = 20, .offset = offsetof(struct thing, object)},
    {.name = "number", .kind = FIELD_NUMBER, .least = -1, .most = 1, .offset = offsetof(struct thing, number)},
    {.name = "whole", .kind = FIELD_INTEGER, .least = 0, .most = HUGE_VAL, .offset = offsetof(struct thing, whole)},
    {.name = "at", .kind = FIELD_TIME, .offset = offsetof(struct thing, at_ms)},
    {.name = "flag", .kind = FIELD_BOOLEAN, .offset = offsetof(struct thing, flag)},
    {.name = "a/b~c", .kind = FIELD_CHOICE, .choices = colours, .offset = offsetof(struct thing, choice)},
    {.name = "tags", .kind = FIELD_IDS, .max = 3, .offset = offsetof(struct thing, tags)},
    {.name = "parts", .kind = FIELD_RECORDS, .max = 2, .of = &part_fields, .offset = offsetof(struct thing, parts)},
};
static const struct thing thing_defaults = {.number = NAN, .whole = -1};
static const struct fields thing_fields = {
    .what = "a thing", .fields = thing_table, .n_fields = 10, .record_bytes = sizeof(struct thing), .defaults = &thing_defaults};

static struct arena *arena;
static struct mistakes mistakes;
static struct thing thing;
static uint64_t present;

static void make(void)
{
    node_start();
    arena = arena_create(4096, 1 << 20);
}

static void clear(void)
{
    arena_destroy(arena);
}

TestSuite(fields, .init = make, .fini = clear);

/* Read json (with ' for ") into thing. */
static enum status read_json(const char *json)
{
    char text[4096];
    struct node *document = NULL;
    struct error error = {0};
    (void)snprintf(text, sizeof text, "%s", json);
    for (char *at = text; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    cr_assert_eq(node_parse(text, strlen(text), &document, &error), STATUS_OK, "%s: %s", text, error.detail);
    mistakes.n_mistakes = 0;
    memset(&thing, 0x5A, sizeof thing);
    enum status status = fields_read(&thing_fields, document, "", arena, &thing, &present, &mistakes);
    node_destroy(document); /* what was read must not point into it */
    return status;
}

static void expect_mistake(size_t i, const char *pointer, const char *detail)
{
    cr_assert_lt(i, mistakes.n_mistakes);
    cr_expect_str_eq(mistakes.mistakes[i].pointer, pointer);
    cr_expect_str_eq(mistakes.mistakes[i].detail, detail);
}

/* json is refused with just this mistake. */
static void expect_refused(const char *json, const char *pointer, const char *detail)
{
    cr_assert_eq(read_json(json), STATUS_INVALID, "%s", json);
    cr_expect_eq(mistakes.n_mistakes, 1, "%s: %zu mistakes", json, mistakes.n_mistakes);
    expect_mistake(0, pointer, detail);
}

Test(fields, reads_every_kind)
{
    cr_assert_eq(
        read_json("{'id':'x','text':'','object':{'b' : [1]},'number':1,'whole':9007199254740993,'at':'1970-01-01T00:00:01Z','flag':true,"
                  "'a/b~c':'green','tags':['p','q'],'parts':[{'name':'n','n':-2},{'name':'m'}]}"),
        STATUS_OK);
    cr_expect_str_eq(thing.id, "x");
    cr_expect_str_eq(thing.text, "");
    cr_expect_str_eq(thing.object, "{\"b\":[1]}");
    cr_expect(thing.number == 1 && thing.whole == 9007199254740993 && thing.at_ms == 1000 && thing.flag && thing.choice == 1);
    cr_assert_eq(thing.tags.n_texts, 2);
    cr_expect_str_eq(thing.tags.texts[1], "q");
    const struct part *parts = thing.parts.records;
    cr_assert_eq(thing.parts.n_records, 2);
    cr_expect(parts[0].n == -2 && parts[1].n == 0);
    cr_expect_str_eq(parts[1].name, "m");
    cr_expect_eq(present, 0x3ff);
}

Test(fields, starts_from_the_defaults)
{
    cr_assert_eq(read_json("{'id':'x'}"), STATUS_OK);
    cr_expect(isnan(thing.number) && thing.whole == -1 && !thing.text && !thing.flag && thing.tags.n_texts == 0);
    cr_expect_eq(present, 1);
}

Test(fields, takes_null_for_not_given_but_tells_that_it_was_named)
{
    cr_assert_eq(read_json("{'id':'x','number':null,'tags':null}"), STATUS_OK);
    cr_expect(isnan(thing.number));
    cr_expect_eq(present, 1u | 1u << 3 | 1u << 8);
    expect_refused("{'id':null}", "/id", "required, but not there: expected a string of 1 to 128 bytes without control characters");
}

Test(fields, takes_whole_numbers_however_they_are_written)
{
    cr_assert_eq(read_json("{'id':'x','whole':3.0,'at':1e3}"), STATUS_OK);
    cr_expect(thing.whole == 3 && thing.at_ms == 1000);
    expect_refused("{'id':'x','whole':3.5}", "/whole", "expected a whole number of 0 or more, got 3.5");
    expect_refused("{'id':'x','whole':1e300}", "/whole", "expected a whole number of 0 or more, got 1e+300");
}

Test(fields, says_what_was_expected_and_what_came)
{
    static const char id_words[] = "expected a string of 1 to 128 bytes without control characters, got ";
    char words[200];
    (void)snprintf(words, sizeof words, "%sa number", id_words);
    expect_refused("{'id':5}", "/id", words);
    (void)snprintf(words, sizeof words, "%s\"a?b\"", id_words);
    expect_refused("{'id':'a\\u0001b'}", "/id", words);
    (void)snprintf(words, sizeof words, "%s\"\"", id_words);
    expect_refused("{'id':''}", "/id", words);
    expect_refused("{'id':'x','text':'12345678901'}", "/text", "expected a string of up to 10 bytes, got \"12345678901\"");
    expect_refused("{'id':'x','object':[]}", "/object", "expected an object of up to 20 bytes as compact JSON, got an array");
    expect_refused("{'id':'x','object':{'key':'1234567890123'}}", "/object",
                   "expected an object of up to 20 bytes as compact JSON, got a longer one");
    expect_refused("{'id':'x','number':1.5}", "/number", "expected a number from -1 to 1, got 1.5");
    expect_refused("{'id':'x','number':'1'}", "/number", "expected a number from -1 to 1, got \"1\"");
    expect_refused("{'id':'x','whole':-1}", "/whole", "expected a whole number of 0 or more, got -1");
    expect_refused("{'id':'x','flag':0}", "/flag", "expected true or false, got a number");
    expect_refused("{'id':'x','at':'soon'}", "/at",
                   "expected a time like \"2026-11-24T10:51:07Z\" (RFC 3339) or whole Unix milliseconds, got \"soon\"");
    expect_refused("{'id':'x','tags':'p'}", "/tags", "expected a list of up to 3 strings of 1 to 128 bytes, got \"p\"");
    expect_refused("{'id':'x','tags':['a','b','c','d']}", "/tags", "expected a list of up to 3 strings of 1 to 128 bytes, got a list of 4");
}

Test(fields, refuses_times_that_no_date_names)
{
    cr_assert_eq(read_json("{'id':'x','at':-62167219200000}"), STATUS_OK);
    cr_assert_eq(read_json("{'id':'x','at':-62167219200001}"), STATUS_INVALID);
    cr_assert_eq(read_json("{'id':'x','at':253402300799999}"), STATUS_OK);
    cr_assert_eq(read_json("{'id':'x','at':253402300800000}"), STATUS_INVALID);
}

Test(fields, points_into_lists_and_nested_records)
{
    expect_refused("{'id':'x','tags':['a',2]}", "/tags/1", "expected a string of 1 to 128 bytes without control characters, got a number");
    expect_refused("{'id':'x','parts':[{'name':'n'},{'name':'n','n':true}]}", "/parts/1/n", "expected a whole number, got a boolean");
    expect_refused("{'id':'x','parts':[7]}", "/parts/0", "expected an object (a part), got a number");
}

Test(fields, escapes_keys_in_pointers)
{
    expect_refused("{'id':'x','a/b~c':'blue'}", "/a~1b~0c", "expected one of \"red\", \"green\", got \"blue\"");
}

Test(fields, names_unknown_fields_and_those_there_are)
{
    expect_refused("{'id':'x','ID':'x'}", "/ID",
                   "unknown field: a thing has id, text, object, number, whole, at, flag, a/b~c, tags, parts");
}

Test(fields, tells_every_mistake_of_an_object)
{
    cr_assert_eq(read_json("{'flag':1,'number':true,'other':0}"), STATUS_INVALID);
    cr_assert_eq(mistakes.n_mistakes, 4);
    cr_expect_str_eq(mistakes.mistakes[3].pointer, "/id");
}

Test(fields, keeps_no_more_mistakes_than_the_list_holds)
{
    char json[2048] = "{'id':'x'";
    for (int i = 0; i < 40; i++)
        (void)snprintf(json + strlen(json), sizeof json - strlen(json), ",'u%d':0", i);
    (void)snprintf(json + strlen(json), sizeof json - strlen(json), "}");
    cr_assert_eq(read_json(json), STATUS_INVALID);
    cr_assert_eq(mistakes.n_mistakes, MISTAKES_MAX);
    cr_assert_eq(read_json("{'id':'x'}"), STATUS_OK);
}

Test(fields, leave_the_record_alone_on_a_mistake)
{
    struct thing before;
    memset(&before, 0x5A, sizeof before);
    cr_assert_eq(read_json("{'id':'x','flag':true,'number':9}"), STATUS_INVALID);
    cr_assert_eq(memcmp(&before, &thing, sizeof thing), 0);
}

Test(fields, refuse_what_is_no_object)
{
    expect_refused("[1]", "", "expected an object (a thing), got an array");
    expect_refused("'x'", "", "expected an object (a thing), got a string");
}

Test(fields, say_when_there_is_no_memory)
{
    struct node *document = NULL;
    struct arena *small = arena_create(64, 64);
    cr_assert_eq(node_parse("{\"id\":\"x\"}", 10, &document, NULL), STATUS_OK);
    cr_assert_eq(fields_read(&thing_fields, document, "", small, &thing, NULL, &mistakes), STATUS_NOMEM);
    node_destroy(document);
    arena_destroy(small);
}

/* --- plain text --- */

static enum status read_text(const char *name, const char *text)
{
    const struct field *field = fields_find(&thing_fields, name);
    cr_assert(field);
    mistakes.n_mistakes = 0;
    return field_read_text(field, text, '|', "/cell", arena, &thing, &mistakes);
}

Test(fields, reads_every_kind_from_plain_text)
{
    cr_expect_eq(read_text("id", "x"), STATUS_OK);
    cr_expect_str_eq(thing.id, "x");
    cr_expect_eq(read_text("text", ""), STATUS_OK);
    cr_expect_str_eq(thing.text, "");
    cr_expect_eq(read_text("object", "{ \"a\": 1 }"), STATUS_OK);
    cr_expect_str_eq(thing.object, "{\"a\":1}");
    cr_expect_eq(read_text("number", "-2.5e-1"), STATUS_OK);
    cr_expect_eq(thing.number, -0.25);
    cr_expect_eq(read_text("whole", "12"), STATUS_OK);
    cr_expect_eq(thing.whole, 12);
    cr_expect_eq(read_text("at", "1970-01-01T00:00:02Z"), STATUS_OK);
    cr_expect_eq(thing.at_ms, 2000);
    cr_expect_eq(read_text("at", "-5"), STATUS_OK);
    cr_expect_eq(thing.at_ms, -5);
    cr_expect_eq(read_text("flag", "true"), STATUS_OK);
    cr_expect(thing.flag);
    cr_expect_eq(read_text("a/b~c", "green"), STATUS_OK);
    cr_expect_eq(thing.choice, 1);
}

Test(fields, splits_lists_in_plain_text)
{
    cr_assert_eq(read_text("tags", "a|b b|ü"), STATUS_OK);
    cr_assert_eq(thing.tags.n_texts, 3);
    cr_expect_str_eq(thing.tags.texts[1], "b b");
    cr_expect_str_eq(thing.tags.texts[2], "ü");
    cr_assert_eq(read_text("tags", ""), STATUS_OK);
    cr_expect_eq(thing.tags.n_texts, 0);
    cr_expect_eq(read_text("tags", "a||b"), STATUS_INVALID);
    cr_expect_eq(read_text("tags", "a|b|c|d"), STATUS_INVALID);
}

Test(fields, refuses_plain_text_that_only_looks_like_a_value)
{
    static const char *const cases[][2] = {
        {"number", "0x10"},  {"number", "inf"}, {"number", "nan"}, {"number", " 1"}, {"number", "1 "}, {"number", ""},
        {"number", "1e999"}, {"number", "--1"}, {"whole", "1.5"},  {"whole", "1e3"}, {"whole", ""},    {"whole", "99999999999999999999"},
        {"flag", "yes"},     {"flag", "1"},     {"object", "[]"},  {"object", "{"},  {"at", ""},       {"at", "tomorrow"},
        {"id", ""},          {"id", "a\tb"},    {"parts", "[]"},   {"a/b~c", "Red"}, {"text", "\xff"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_eq(read_text(cases[i][0], cases[i][1]), STATUS_INVALID, "%s = \"%s\"", cases[i][0], cases[i][1]);
        cr_expect_eq(mistakes.n_mistakes, 1);
        cr_expect_str_eq(mistakes.mistakes[0].pointer, "/cell");
    }
}
