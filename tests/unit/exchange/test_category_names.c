/* The names of categories: as many lines as the model has outputs. */
#include "keras_fixture.h"

#include "core/picture_model.h"
#include "server/exchange/category_names.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static enum status read_text(const char *text, size_t n_bytes, uint32_t n, struct category_names **out_names, struct error *error)
{
    char folder[FOLDER_BYTES], path[FOLDER_BYTES + 16];
    folder_make(folder);
    (void)snprintf(path, sizeof path, "%s/names", folder);
    file_write(path, text, n_bytes);
    enum status status = category_names_read(path, n, out_names, error);
    folder_remove(folder);
    return status;
}

Test(category_names, are_numbers_without_a_file)
{
    SCOPED(category_names_destroy) struct category_names *names = NULL;
    cr_assert_eq(category_names_read(NULL, 12, &names, NULL), STATUS_OK);
    cr_assert_str_eq(category_names_get(names)[0], "0");
    cr_assert_str_eq(category_names_get(names)[11], "11");
}

Test(category_names, are_the_lines_of_a_file)
{
    SCOPED(category_names_destroy) struct category_names *names = NULL;
    cr_assert_eq(read_text("shirt\r\nAnkle boot\nµ", 20, 3, &names, NULL), STATUS_OK);
    cr_assert_str_eq(category_names_get(names)[0], "shirt");
    cr_assert_str_eq(category_names_get(names)[1], "Ankle boot");
    cr_assert_str_eq(category_names_get(names)[2], "µ");
}

Test(category_names, are_refused_where_they_do_not_fit)
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
        struct category_names *names = NULL;
        struct error error = {.detail = ""};
        cr_expect_eq(read_text(cases[c].text, cases[c].n_bytes, 3, &names, &error), STATUS_INVALID, "case %zu", c);
        cr_expect(strstr(error.detail, cases[c].words), "case %zu: %s", c, error.detail);
        cr_expect_null(names);
    }
}

Test(category_names, are_not_more_than_a_model_can_have)
{
    struct category_names *names = NULL;
    cr_assert_eq(category_names_read(NULL, PICTURE_CATEGORIES_MAX + 1, &names, NULL), STATUS_INVALID);
}
