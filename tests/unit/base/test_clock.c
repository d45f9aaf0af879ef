/* RFC 3339 in and out. */
#include "core/base/clock.h"

#include <criterion/criterion.h>
#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

Test(clock, reads_what_rfc_3339_allows)
{
    static const struct {
        const char *text;
        int64_t at_ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2024-02-29T12:34:56Z", 1709210096000},
        {"2024-02-29T12:34:56.7Z", 1709210096700},
        {"2024-02-29T12:34:56.789999Z", 1709210096789},
        {"2024-02-29T14:34:56+02:00", 1709210096000},
        {"2024-02-28T23:34:56-13:00", 1709210096000},
        {"2024-02-29t12:34:56z", 1709210096000},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2000-02-29T00:00:00Z", 951782400000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t at_ms = 0;
        cr_expect(clock_parse(cases[i].text, &at_ms), "%s", cases[i].text);
        cr_expect_eq(at_ms, cases[i].at_ms, "%s: %lld", cases[i].text, (long long)at_ms);
    }
}

Test(clock, refuses_what_is_no_time)
{
    static const char *const texts[] = {
        "", "2024", "2024-01-01", "2024-01-01T00:00:00", "2024-01-01 00:00Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z", "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:61Z", "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00+0200", "2024-01-01T00:00:00+25:00", "2024-01-01T00:00:00Zx", "+2024-01-01T00:00:00Z", "20240101T000000Z", " 2024-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        int64_t at_ms = 7;
        cr_expect_not(clock_parse(texts[i], &at_ms), "'%s' was taken for a time", texts[i]);
        cr_expect_eq(at_ms, 7, "'%s' changed the result", texts[i]);
    }
}

Test(clock, writes_what_it_reads)
{
    for (int64_t at_ms = -60000000000000; at_ms < 250000000000000; at_ms += 7919000000123) {
        char text[CLOCK_TEXT_BYTES];
        int64_t again = 0;
        clock_format(at_ms, text);
        cr_expect(clock_parse(text, &again), "%s", text);
        cr_expect_eq(again, at_ms, "%s", text);
    }
}

Test(clock, stays_inside_four_digit_years)
{
    char text[CLOCK_TEXT_BYTES];
    clock_format(INT64_MAX, text);
    cr_assert_str_eq(text, "9999-12-31T23:59:59.999Z");
    clock_format(INT64_MIN, text);
    cr_assert_str_eq(text, "0000-01-01T00:00:00.000Z");
}
