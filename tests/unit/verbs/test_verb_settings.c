/* Numbers in options: everything that is not exactly a number in the range is refused. */
#include "server/verbs/verb_settings.h"

#include <criterion/criterion.h>

Test(option_number, accepts_whole_numbers_in_the_range)
{
    int64_t number = 0;
    cr_expect(option_number("17", 1, 17, &number));
    cr_expect_eq(number, 17);
    cr_expect(option_number("-5", -5, 0, &number));
    cr_expect_eq(number, -5);
}

Test(option_number, refuses_everything_else)
{
    int64_t number = 42;
    const char *const wrong[] = {"", " 1", "+1", "1 ", "1x", "0x10", "1.5", "18", "0", "99999999999999999999", "-", "nan"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect_not(option_number(wrong[i], 1, 17, &number), "\"%s\"", wrong[i]);
    cr_expect_eq(number, 42);
}

Test(verb_settings, want_a_directory)
{
    struct settings settings;
    struct error error = {0};
    cr_expect_eq(verb_settings_load(&(struct verb_settings){0}, &settings, &error), STATUS_INVALID);
    cr_expect_neq(error.detail[0], '\0');
}

Test(verb_settings, say_what_is_wrong_with_a_set)
{
    struct settings settings;
    const char *const wrong[] = {"http.port", "=1", "no.such=1", "http.port=x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error error = {0};
        struct verb_settings options = {.directory = "/nowhere"};
        cr_assert(verb_settings_add(&options, wrong[i]));
        cr_expect_eq(verb_settings_load(&options, &settings, &error), STATUS_INVALID, "\"%s\"", wrong[i]);
        cr_expect_neq(error.detail[0], '\0', "\"%s\"", wrong[i]);
    }
}

Test(verb_settings, take_the_last_set)
{
    struct settings settings;
    struct error error = {0};
    struct verb_settings options = {.directory = "/nowhere"};
    cr_assert(verb_settings_add(&options, "neighbours.max_row=100"));
    cr_assert(verb_settings_add(&options, "neighbours.max_row=200"));
    cr_assert_eq(verb_settings_load(&options, &settings, &error), STATUS_OK, "%s", error.detail);
    cr_expect_eq(settings.neighbours_max_row, 200);
    cr_expect_str_eq(settings.data_directory, "/nowhere");
}
