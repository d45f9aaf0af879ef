/* Reading parameters by a field table. */
#include "server/api/query.h"
#include "tests/unit/server/request_fixture.h"

#include <criterion/criterion.h>
#include <stddef.h>

struct asked {
    int64_t limit;
    struct texts names;
    bool all;
};

static const struct asked defaults = {.limit = 10};

static const struct field table[] = {
    {.name = "limit", .kind = FIELD_INTEGER, .offset = offsetof(struct asked, limit), .least = 1, .most = 100},
    {.name = "names", .kind = FIELD_IDS, .offset = offsetof(struct asked, names), .max = 3},
    {.name = "all", .kind = FIELD_BOOLEAN, .offset = offsetof(struct asked, all)},
};

static const struct fields fields = {
    .what = "a question", .fields = table, .n_fields = 3, .record_bytes = sizeof(struct asked), .defaults = &defaults};

static struct exchange *exchange;
static struct asked asked;
static struct mistakes mistakes;

static void create(void)
{
    exchange = request_create(65536);
    asked = (struct asked){.limit = -1};
    mistakes = (struct mistakes){.n_mistakes = 0};
}

static void destroy(void)
{
    request_destroy(exchange);
}

TestSuite(query, .init = create, .fini = destroy);

Test(query, takes_defaults_where_nothing_is_given)
{
    cr_assert_eq(query_read(exchange, &fields, &asked, &mistakes), STATUS_OK);
    cr_assert_eq(asked.limit, 10);
    cr_assert_eq(asked.names.n_texts, 0);
}

Test(query, reads_each_kind)
{
    request_add_parameter(exchange, "limit", "7");
    request_add_parameter(exchange, "all", "true");
    cr_assert_eq(query_read(exchange, &fields, &asked, &mistakes), STATUS_OK);
    cr_assert_eq(asked.limit, 7);
    cr_assert(asked.all);
}

Test(query, joins_lists_by_comma_with_lists_by_repetition)
{
    request_add_parameter(exchange, "names", "a,b");
    request_add_parameter(exchange, "names", "c");
    cr_assert_eq(query_read(exchange, &fields, &asked, &mistakes), STATUS_OK);
    cr_assert_eq(asked.names.n_texts, 3);
    cr_assert_str_eq(asked.names.texts[0], "a");
    cr_assert_str_eq(asked.names.texts[2], "c");
}

Test(query, counts_all_repetitions_against_the_limit_of_a_list)
{
    request_add_parameter(exchange, "names", "a,b");
    request_add_parameter(exchange, "names", "c,d");
    cr_assert_eq(query_read(exchange, &fields, &asked, &mistakes), STATUS_INVALID);
    cr_assert_str_eq(mistakes.mistakes[0].pointer, "names");
}

Test(query, refuses_an_empty_list)
{
    request_add_parameter(exchange, "names", "");
    cr_assert_eq(query_read(exchange, &fields, &asked, &mistakes), STATUS_INVALID);
}

Test(query, refuses_a_single_value_given_twice)
{
    request_add_parameter(exchange, "limit", "1");
    request_add_parameter(exchange, "limit", "1");
    cr_assert_eq(query_read(exchange, &fields, &asked, &mistakes), STATUS_INVALID);
    cr_assert_str_eq(mistakes.mistakes[0].detail, "given twice");
}

Test(query, names_every_mistake)
{
    request_add_parameter(exchange, "limit", "0");
    request_add_parameter(exchange, "colour", "red");
    request_add_parameter(exchange, "all", "1");
    cr_assert_eq(query_read(exchange, &fields, &asked, &mistakes), STATUS_INVALID);
    cr_assert_eq(mistakes.n_mistakes, 3);
    cr_assert_str_eq(mistakes.mistakes[1].pointer, "colour");
}

Test(query, leaves_the_record_alone_when_it_fails)
{
    request_add_parameter(exchange, "all", "true");
    request_add_parameter(exchange, "limit", "many");
    cr_assert_eq(query_read(exchange, &fields, &asked, &mistakes), STATUS_INVALID);
    cr_assert_eq(asked.limit, -1);
    cr_assert_not(asked.all);
}

Test(query, refuses_any_parameter_where_none_is_taken)
{
    struct error error = {0};
    cr_assert_eq(query_refuse_all(exchange, &error), STATUS_OK);
    request_add_parameter(exchange, "verbose", "");
    cr_assert_eq(query_refuse_all(exchange, &error), STATUS_INVALID);
    cr_assert_str_eq(error.pointer, "verbose");
}

Test(query, says_so_when_memory_runs_out)
{
    static const struct field wide[] = {{.name = "names", .kind = FIELD_IDS, .offset = offsetof(struct asked, names), .max = 1000000}};
    struct fields wide_fields = {.what = "a question", .fields = wide, .n_fields = 1, .record_bytes = sizeof(struct asked)};
    struct exchange *small = request_create(1024);
    static char commas[4096];
    for (size_t i = 0; i < sizeof commas - 1; i++)
        commas[i] = i % 2 ? ',' : 'a';
    request_add_parameter(small, "names", commas);
    enum status status = query_read(small, &wide_fields, &asked, &mistakes);
    request_destroy(small);
    cr_assert_eq(status, STATUS_NOMEM);
}
