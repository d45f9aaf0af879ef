/* Header fields that must not pass, whatever libmicrohttpd thinks of them. */
#include "server/http/guard.h"

#include <criterion/criterion.h>
#include <string.h>

/* The verdict on an HTTP/1.1 request with these "Name: value" fields (NULL-terminated). */
static unsigned verdict(const char *const fields[])
{
    struct guard guard = {0};
    struct error error = {0};
    for (size_t i = 0; fields[i]; i++) {
        const char *colon = strchr(fields[i], ':');
        guard_see(&guard, fields[i], (size_t)(colon - fields[i]), colon + 2, strlen(colon + 2));
    }
    unsigned code = guard_verdict(&guard, true, &error);
    cr_assert((code == 0) == (error.detail[0] == '\0'), "a refusal says why, an acceptance nothing");
    return code;
}

#define VERDICT(...) verdict((const char *const[]){__VA_ARGS__, NULL})

Test(guard, passes_an_ordinary_request)
{
    cr_assert_eq(VERDICT("Host: a", "Content-Length: 12", "Accept: */*"), 0);
}

Test(guard, passes_a_chunked_body)
{
    cr_assert_eq(VERDICT("Host: a", "Transfer-Encoding: Chunked"), 0);
}

Test(guard, refuses_length_beside_transfer_encoding)
{
    cr_assert_eq(VERDICT("Host: a", "Content-Length: 3", "Transfer-Encoding: chunked"), 400);
}

Test(guard, refuses_two_lengths_even_if_they_agree)
{
    cr_assert_eq(VERDICT("Host: a", "Content-Length: 3", "content-length: 3"), 400);
}

Test(guard, refuses_a_length_that_is_not_digits)
{
    cr_assert_eq(VERDICT("Host: a", "Content-Length: +3"), 400);
    cr_assert_eq(VERDICT("Host: a", "Content-Length: 0x3"), 400);
    cr_assert_eq(VERDICT("Host: a", "Content-Length: 9999999999999999999"), 400);
    cr_assert_eq(VERDICT("Host: a", "Content-Length: "), 400);
}

Test(guard, refuses_any_transfer_encoding_but_chunked)
{
    cr_assert_eq(VERDICT("Host: a", "Transfer-Encoding: gzip, chunked"), 400);
    cr_assert_eq(VERDICT("Host: a", "Transfer-Encoding: identity"), 400);
    cr_assert_eq(VERDICT("Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400);
}

Test(guard, refuses_a_blank_before_the_colon)
{
    cr_assert_eq(VERDICT("Host : a"), 400);
}

Test(guard, refuses_a_missing_host)
{
    cr_assert_eq(VERDICT("Accept: */*"), 400);
}

Test(guard, refuses_two_hosts)
{
    cr_assert_eq(VERDICT("Host: a", "Host: b"), 400);
}

Test(guard, allows_http_10_without_host)
{
    struct guard guard = {0};
    cr_assert_eq(guard_verdict(&guard, false, NULL), 0);
}

Test(guard, refuses_control_characters_in_a_value)
{
    cr_assert_eq(VERDICT("Host: a", "X: a\x01z"), 400);
    cr_assert_eq(VERDICT("Host: a", "X: a\tz"), 0);
}

Test(guard, refuses_fields_that_are_too_large_together)
{
    struct guard guard = {0};
    static char value[GUARD_HEADERS_MAX];
    memset(value, 'a', sizeof value);
    guard_see(&guard, "Host", 4, value, sizeof value);
    cr_assert_eq(guard_verdict(&guard, true, NULL), 431);
}

Test(guard, refuses_transfer_encoding_before_http_11)
{
    struct guard guard = {0};
    struct error error = {0};
    guard_see(&guard, "Transfer-Encoding", 17, "chunked", 7);
    cr_assert_eq(guard_verdict(&guard, false, &error), 400);
}

Test(guard, takes_no_target_with_blanks_or_control_characters)
{
    cr_assert(guard_is_target("/v1/items/a%20b?x=\xc3\xa9"));
    cr_assert_not(guard_is_target("/v1/items/a b"));
    cr_assert_not(guard_is_target("/v1/items/a\tb"));
    cr_assert_not(guard_is_target("/v1/items/a\x7f"));
}
