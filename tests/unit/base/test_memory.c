/* Arena and buffer: what is given out, what the limits refuse, and that a refusal leaves everything usable. */
#include "core/base/arena.h"
#include "core/base/buffer.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

Test(arena, gives_zeroed_memory_aligned_for_vectors)
{
    SCOPED(arena_destroy) struct arena *arena = arena_create(4096, 1 << 20);
    for (size_t n_bytes = 1; n_bytes < 5000; n_bytes = n_bytes * 2 + 1) {
        unsigned char *piece = arena_alloc(arena, n_bytes);
        cr_assert_not_null(piece);
        for (size_t i = 0; i < n_bytes; i++)
            cr_assert_eq(piece[i], 0);
        memset(piece, 0xff, n_bytes);
        cr_assert_eq((uintptr_t)piece % (n_bytes >= 64 ? 64 : _Alignof(max_align_t)), 0, "%zu bytes", n_bytes);
    }
}

Test(arena, never_holds_more_than_its_limit)
{
    SCOPED(arena_destroy) struct arena *arena = arena_create(1024, 10000);
    cr_assert_null(arena_alloc(arena, 10001));
    cr_assert_null(arena_alloc(arena, SIZE_MAX));
    size_t given = 0;
    while (arena_alloc(arena, 100))
        given += 100;
    cr_assert_leq(given, 10000);
    cr_assert_geq(given, 5000);
}

Test(arena, refuses_arrays_whose_size_overflows)
{
    SCOPED(arena_destroy) struct arena *arena = arena_create(1024, SIZE_MAX);
    cr_assert_null(arena_alloc_array(arena, SIZE_MAX / 2, 3));
    cr_assert_not_null(arena_alloc_array(arena, 7, 3));
}

Test(arena, zeroes_memory_again_after_a_reset)
{
    SCOPED(arena_destroy) struct arena *arena = arena_create(1024, 1 << 16);
    for (int round = 0; round < 3; round++) {
        unsigned char *piece = arena_alloc(arena, 512);
        for (size_t i = 0; i < 512; i++)
            cr_assert_eq(piece[i], 0);
        memset(piece, 0xaa, 512);
        arena_reset(arena);
    }
}

Test(arena, copies_and_formats_texts)
{
    SCOPED(arena_destroy) struct arena *arena = arena_create(64, 1 << 16);
    cr_assert_str_eq(arena_copy(arena, "abcdef", 3), "abc");
    cr_assert_str_eq(arena_copy(arena, "", 0), "");
    char *long_text = arena_format(arena, "%0500d-%s", 7, "end");
    cr_assert_eq(strlen(long_text), 504);
    cr_assert_str_eq(long_text + 500, "-end");
}

Test(buffer, grows_and_stays_terminated)
{
    SCOPED(buffer_clear) struct buffer buffer;
    buffer_init(&buffer, 1 << 20);
    for (int i = 0; i < 1000; i++)
        buffer_append_format(&buffer, "%d,", i);
    cr_assert_eq(buffer_finish(&buffer, NULL), STATUS_OK);
    cr_assert_eq(strlen(buffer.bytes), buffer.n_bytes);
    cr_assert_eq(buffer.n_bytes, 3890);
}

Test(buffer, takes_as_much_as_is_reserved_and_no_more_memory)
{
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    buffer_append(&buffer, "abc", 3);
    buffer_reserve(&buffer, 700);
    cr_assert_eq(buffer.capacity, 701);
    buffer_reserve(&buffer, 10);
    for (int i = 3; i < 700; i++)
        buffer_append(&buffer, "d", 1);
    cr_expect_eq(buffer.capacity, 701);
    cr_expect_eq(strncmp(buffer.bytes, "abcd", 4), 0);
    cr_assert_eq(buffer_finish(&buffer, NULL), STATUS_OK);
    buffer_reserve(&buffer, 1001);
    cr_assert_eq(buffer_finish(&buffer, NULL), STATUS_LIMIT);
    buffer_clear(&buffer);
}

Test(buffer, remembers_that_something_did_not_fit)
{
    SCOPED(buffer_clear) struct buffer buffer;
    struct error error;
    buffer_init(&buffer, 10);
    buffer_append_text(&buffer, "1234567890");
    cr_assert_eq(buffer_finish(&buffer, &error), STATUS_OK);
    buffer_append_text(&buffer, "x");
    buffer_append_text(&buffer, "");
    cr_assert_eq(buffer_finish(&buffer, &error), STATUS_LIMIT);
    cr_assert_eq(buffer.n_bytes, 10);
    buffer_reset(&buffer);
    buffer_append_text(&buffer, "again");
    cr_assert_eq(buffer_finish(&buffer, &error), STATUS_OK);
    cr_assert_str_eq(buffer.bytes, "again");
}
