/* Bodies: one object, or many of which the bad ones are listed. */
#include "server/api/body.h"
#include "tests/unit/server/request_fixture.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

struct thing {
    const char *name;
    int64_t weight;
};

static const struct field table[] = {
    {.name = "name", .kind = FIELD_ID, .offset = offsetof(struct thing, name), .required = true},
    {.name = "weight", .kind = FIELD_INTEGER, .offset = offsetof(struct thing, weight), .least = 0, .most = 100},
};

static const struct fields fields = {.what = "a thing", .fields = table, .n_fields = 2, .record_bytes = sizeof(struct thing)};

static enum status check_weight(void *record, struct error *error)
{
    const struct thing *thing = record;
    return thing->weight == 13 ? fail_at(error, STATUS_INVALID, "/weight", "13 is unlucky") : STATUS_OK;
}

static const struct batch_kind things = {.fields = &fields, .list_name = "things", .check = check_weight};

static struct exchange *exchange;
static struct batch batch;
static struct mistakes mistakes;
static struct error error;

static void create(void)
{
    exchange = request_create(1 << 20);
    mistakes = (struct mistakes){.n_mistakes = 0};
    error = (struct error){.detail = ""};
}

static void destroy(void)
{
    request_destroy(exchange);
}

static enum status read_batch(enum body_kind kind, const char *text)
{
    request_set_body(exchange, kind, text);
    return batch_read(exchange, &things, 3, &batch, &mistakes, &error);
}

static const struct thing *good(size_t index)
{
    return (const struct thing *)batch.records + index;
}

TestSuite(body, .init = create, .fini = destroy);

Test(body, reads_a_single_object_as_a_batch_of_one)
{
    cr_assert_eq(read_batch(BODY_JSON, "{\"name\": \"a\", \"weight\": 3}"), STATUS_OK);
    cr_assert_eq(batch.n_records, 1);
    cr_assert_str_eq(good(0)->name, "a");
}

Test(body, refuses_a_single_bad_object)
{
    cr_assert_eq(read_batch(BODY_JSON, "{\"weight\": 3}"), STATUS_INVALID);
    cr_assert_str_eq(mistakes.mistakes[0].pointer, "/name");
}

Test(body, refuses_a_single_object_that_fails_the_check)
{
    cr_assert_eq(read_batch(BODY_JSON, "{\"name\": \"a\", \"weight\": 13}"), STATUS_INVALID);
    cr_assert_str_eq(mistakes.mistakes[0].pointer, "/weight");
    cr_assert_str_eq(mistakes.mistakes[0].detail, "13 is unlucky");
}

Test(body, keeps_the_good_ones_of_a_list_in_order)
{
    cr_assert_eq(read_batch(BODY_JSON, "{\"things\": [{\"name\": \"a\"}, {\"name\": \"b\", \"weight\": 13}, {\"name\": \"c\"}]}"),
                 STATUS_OK);
    cr_assert_eq(batch.n_records, 2);
    cr_assert_str_eq(good(0)->name, "a");
    cr_assert_str_eq(good(1)->name, "c");
    cr_assert_eq(batch.n_rejections, 1);
    cr_assert_eq(batch.rejections[0].index, 1);
    cr_assert_str_eq(batch.rejections[0].pointer, "/weight");
}

Test(body, keeps_nothing_of_a_bad_record_for_the_next)
{
    cr_assert_eq(read_batch(BODY_JSON, "{\"things\": [{\"name\": \"a\", \"weight\": 13}, {\"name\": \"b\"}]}"), STATUS_OK);
    cr_assert_eq(batch.n_records, 1);
    cr_assert_str_eq(good(0)->name, "b");
    cr_assert_eq(good(0)->weight, 0);
}

Test(body, takes_an_empty_list)
{
    cr_assert_eq(read_batch(BODY_JSON, "{\"things\": []}"), STATUS_OK);
    cr_assert_eq(batch.n_records, 0);
}

Test(body, refuses_what_stands_beside_the_list)
{
    cr_assert_eq(read_batch(BODY_JSON, "{\"things\": [], \"name\": \"a\"}"), STATUS_INVALID);
    cr_assert_eq(mistakes.n_mistakes, 1);
}

Test(body, takes_no_more_than_the_limit)
{
    cr_assert_eq(read_batch(BODY_JSON, "{\"things\": [1, 2, 3, 4]}"), STATUS_LIMIT);
    cr_assert_str_eq(error.detail, "at most 3 things at once, got 4");
    cr_assert_eq(read_batch(BODY_NDJSON, "1\n2\n3\n4"), STATUS_LIMIT);
}

Test(body, counts_lines_with_something_on_them)
{
    cr_assert_eq(read_batch(BODY_NDJSON, "\n{\"name\": \"a\"}\r\n \t\r\nnonsense\n{\"name\": \"b\"}"), STATUS_OK);
    cr_assert_eq(batch.n_records, 2);
    cr_assert_eq(batch.n_rejections, 1);
    cr_assert_eq(batch.rejections[0].index, 1);
    cr_assert_str_eq(batch.rejections[0].pointer, "");
}

Test(body, says_where_json_is_broken)
{
    struct thing thing;
    request_set_body(exchange, BODY_JSON, "{\"name\": ");
    cr_assert_eq(body_read(exchange, &fields, &thing, NULL, &mistakes), STATUS_INVALID);
    cr_assert(strstr(mistakes.mistakes[0].detail, "line 1"));
}

Test(body, overlays_only_what_was_given)
{
    struct thing thing = {.name = "old", .weight = 5}, patch;
    uint64_t present = 0;
    struct fields optional = fields;
    struct field weight_only = table[1];
    optional.fields = &weight_only;
    optional.n_fields = 1;
    request_set_body(exchange, BODY_JSON, "{\"weight\": 9}");
    cr_assert_eq(body_read(exchange, &optional, &patch, &present, &mistakes), STATUS_OK);
    record_overlay(&optional, present, &patch, &thing);
    cr_assert_str_eq(thing.name, "old");
    cr_assert_eq(thing.weight, 9);
}

Test(body, overlays_null_as_the_default)
{
    struct thing thing = {.name = "old", .weight = 5}, patch;
    uint64_t present = 0;
    struct fields optional = fields;
    struct field weight_only = table[1];
    optional.fields = &weight_only;
    optional.n_fields = 1;
    request_set_body(exchange, BODY_JSON, "{\"weight\": null}");
    cr_assert_eq(body_read(exchange, &optional, &patch, &present, &mistakes), STATUS_OK);
    record_overlay(&optional, present, &patch, &thing);
    cr_assert_eq(thing.weight, 0);
}
