/* What counts as text and as an id. */
#include "core/base/utf8.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

Test(utf8, accepts_text_of_every_length_of_code_point)
{
    static const char *const texts[] = {"", "plain", "é", "€", "😀", "\x7f", "\xef\xbb\xbf", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"};
    for (size_t i = 0; i < COUNT(texts); i++)
        cr_expect(utf8_valid(texts[i], strlen(texts[i])), "number %zu", i);
}

Test(utf8, refuses_what_is_no_utf8)
{
    static const char *const texts[] = {"\x80", "\xc3", "\xc3(", "\xe2\x82", "\xf0\x9f\x98", "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf",
                                        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff", "a\xfe-b"};
    for (size_t i = 0; i < COUNT(texts); i++)
        cr_expect_not(utf8_valid(texts[i], strlen(texts[i])), "number %zu", i);
}

Test(utf8, refuses_ids_that_are_empty_long_or_hold_control_characters)
{
    char longest[ID_MAX_BYTES + 1];
    memset(longest, 'x', sizeof longest);
    cr_expect(utf8_is_id(longest, ID_MAX_BYTES));
    cr_expect_not(utf8_is_id(longest, ID_MAX_BYTES + 1));
    cr_expect_not(utf8_is_id("", 0));
    static const char *const bad[] = {"a\nb", "a\tb", "\x1b[31m", "a\x7f", "a\xc2\x80-b", "a\xc2\x9f", "\xff"};
    for (size_t i = 0; i < COUNT(bad); i++)
        cr_expect_not(utf8_is_id(bad[i], strlen(bad[i])), "number %zu", i);
    cr_expect_not(utf8_is_id("a\0b", 3));
    static const char *const good[] = {"film-1", "a b", "日本", "\xc2\xa0", "user@example.org", "/../", "%00"};
    for (size_t i = 0; i < COUNT(good); i++)
        cr_expect(utf8_is_id(good[i], strlen(good[i])), "number %zu", i);
}
