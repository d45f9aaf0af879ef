/* The names of outputs: as many lines as the model has outputs. */
#include "keras_fixture.h"

#include "core/picture_model.h"
#include "server/exchange/output_names.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct arena *arena;

static void make_arena(void)
{
    arena = arena_create(4096, 1 << 20);
    cr_assert(arena);
}

static void drop_arena(void)
{
    arena_destroy(arena);
}

TestSuite(output_names, .init = make_arena, .fini = drop_arena);

static enum status read_text(const char *text, size_t n_bytes, uint32_t n, struct category_names *out_names, struct error *error)
{
    char folder[FOLDER_BYTES], path[FOLDER_BYTES + 16];
    folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/names", folder);
    file_write(path, text, n_bytes);
    enum status status = output_names_read(path, n, arena, out_names, error);
    folder_remove(folder);
    return status;
}

Test(output_names, are_numbers_without_a_file)
{
    struct category_names names;
    cr_assert_eq(output_names_read(NULL, 12, arena, &names, NULL), STATUS_OK);
    cr_assert_str_eq(names.names[0], "0");
    cr_assert_str_eq(names.names[11], "11");
}

Test(output_names, are_the_lines_of_a_file)
{
    struct category_names names;
    cr_assert_eq(read_text("shirt\r\nAnkle boot\nµ", 20, 3, &names, NULL), STATUS_OK);
    cr_assert_str_eq(names.names[0], "shirt");
    cr_assert_str_eq(names.names[1], "Ankle boot");
    cr_assert_str_eq(names.names[2], "µ");
}

Test(output_names, are_refused_where_they_do_not_fit)
{
    static const struct {
        const char *text;
        size_t n_bytes;
        const char *words;
    } cases[] = {
        {"a\nb\n", 4, "2 lines; the model has 3 categories"},
        {"a\nb\nc\nd\n", 8, "line 4 is too many"},
        {"a\n\nc\n", 5, "line 2: expected the name of category 1"},
        {"a\nb\na\n", 6, "line 3: \"a\" is there twice"},
        {"a\nb\0\nc\n", 7, "line 2: expected the name"},
        {"a\n\xff\nc\n", 6, "line 2: expected the name"},
        {"", 0, "0 lines"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct category_names names = {.n = 77};
        struct error error = {.detail = ""};
        cr_expect_eq(read_text(cases[c].text, cases[c].n_bytes, 3, &names, &error), STATUS_INVALID, "case %zu", c);
        cr_expect(strstr(error.detail, cases[c].words), "case %zu: %s", c, error.detail);
        cr_expect_eq(names.n, 77, "untouched");
        arena_reset(arena);
    }
}

Test(output_names, are_not_more_than_a_model_can_have)
{
    struct category_names names;
    cr_assert_eq(output_names_read(NULL, PICTURE_CATEGORIES_MAX + 1, arena, &names, NULL), STATUS_INVALID);
}
