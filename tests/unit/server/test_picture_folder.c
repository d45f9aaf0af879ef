/* Folders of pictures: which files count, in which order, and whose picture each is. */
#include "server/app/picture_folder.h"
#include "server/pictures/picture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];
static struct error error;

static const char *path_of(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void make(void)
{
    (void)snprintf(directory, sizeof directory, "/tmp/inkling-folder-XXXXXX");
    cr_assert(mkdtemp(directory));
}

static void clear(void)
{
    static const char *const names[] = {"b.png", "a.jpg", "B.PNG", "c.jpeg", "d.webp",    "e.gif",
                                        "png",   ".png",  "f.png", "g.png",  "large.png", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)remove(path_of(names[i]));
}

TestSuite(picture_folder, .init = make, .fini = clear);

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "wb");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

Test(picture_folder, lists_what_is_called_like_a_picture_by_name)
{
    static const char *const files[] = {"b.png", "a.jpg", "B.PNG", "c.jpeg", "d.webp", "e.gif", "png", ".png"};
    static const char *const expected[] = {"B.PNG", "a.jpg", "b.png", "c.jpeg", "d.webp"};
    struct picture_folder folder;
    const uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        write_file(files[i], files[i]);
    cr_assert_eq(picture_folder_open(directory, &folder, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(folder.n_names, 5);
    for (size_t i = 0; i < folder.n_names; i++) {
        cr_expect_str_eq(folder.names[i], expected[i]);
        cr_assert_eq(picture_folder_read(&folder, i, PICTURE_BYTES_MAX, &bytes, &n_bytes, &error), STATUS_OK, "%s", error.detail);
        cr_expect(n_bytes == strlen(expected[i]) && memcmp(bytes, expected[i], n_bytes) == 0);
    }
    picture_folder_close(&folder);
}

Test(picture_folder, passes_over_what_is_no_regular_file)
{
    struct picture_folder folder;
    const uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    cr_assert_eq(mkdir(path_of("b.png"), 0700), 0);
    cr_assert_eq(mkfifo(path_of("f.png"), 0600), 0); /* nobody writes into it: opening must not wait */
    cr_assert_eq(symlink("nowhere", path_of("g.png")), 0);
    cr_assert_eq(picture_folder_open(directory, &folder, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(folder.n_names, 3);
    for (size_t i = 0; i < folder.n_names; i++)
        cr_expect_eq(picture_folder_read(&folder, i, PICTURE_BYTES_MAX, &bytes, &n_bytes, &error), STATUS_NOT_FOUND);
    picture_folder_close(&folder);
}

Test(picture_folder, refuses_files_beyond_the_limit)
{
    struct picture_folder folder;
    const uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    write_file("large.png", "");
    cr_assert_eq(truncate(path_of("large.png"), PICTURE_BYTES_MAX + 1), 0);
    cr_assert_eq(picture_folder_open(directory, &folder, &error), STATUS_OK, "%s", error.detail);
    cr_expect_eq(picture_folder_read(&folder, 0, PICTURE_BYTES_MAX, &bytes, &n_bytes, &error), STATUS_LIMIT);
    cr_expect(strstr(error.detail, "8388609 bytes; at most 8388608"), "%s", error.detail);
    write_file("large.png", "0123456789");
    cr_expect_eq(picture_folder_read(&folder, 0, 9, &bytes, &n_bytes, &error), STATUS_LIMIT);
    cr_expect(strstr(error.detail, "10 bytes; at most 9"), "%s", error.detail);
    cr_expect_eq(picture_folder_read(&folder, 0, 10, &bytes, &n_bytes, &error), STATUS_OK);
    picture_folder_close(&folder);
}

Test(picture_folder, says_that_there_is_none)
{
    struct picture_folder folder;
    write_file("b.png", "");
    cr_expect_eq(picture_folder_open(path_of("nowhere"), &folder, &error), STATUS_NOT_FOUND);
    cr_expect_eq(picture_folder_open(path_of("b.png"), &folder, &error), STATUS_IO);
    cr_expect(strstr(error.detail, "Not a directory"), "%s", error.detail);
}

Test(picture_folder, names_are_ids_as_in_urls)
{
    static const struct {
        const char *name, *id; /* NULL: refused */
    } cases[] = {{"film-1.png", "film-1"},
                 {"a%2Fb%2fc.png", "a/b/c"},
                 {"100%25.jpg", "100%"},
                 {"a.b.webp", "a.b"},
                 {"Pull%C3%B6ver.png", "Pull\xc3\xb6ver"},
                 {"a+b.png", "a+b"},
                 {"%.png", NULL},
                 {"a%2.png", NULL},
                 {"a%zz.png", NULL},
                 {"a%00b.png", NULL},
                 {"%FF.png", NULL},
                 {"%0A.png", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char id[ID_MAX_BYTES + 1] = "untouched";
        enum status status = picture_folder_id(cases[i].name, id, &error);
        cr_expect_eq(status, cases[i].id ? STATUS_OK : STATUS_INVALID, "%s", cases[i].name);
        cr_expect_str_eq(id, cases[i].id ? cases[i].id : "untouched");
    }
}

Test(picture_folder, names_as_long_as_an_id_and_no_longer)
{
    char name[ID_MAX_BYTES + 6], id[ID_MAX_BYTES + 1];
    memset(name, 'x', sizeof name);
    memcpy(name + ID_MAX_BYTES, ".png", 5);
    cr_expect_eq(picture_folder_id(name, id, &error), STATUS_OK);
    cr_expect_eq(strlen(id), ID_MAX_BYTES);
    memcpy(name + ID_MAX_BYTES, "x.png", 6);
    cr_expect_eq(picture_folder_id(name, id, &error), STATUS_INVALID);
    cr_expect(strstr(error.detail, "1 to 128 bytes"), "%s", error.detail);
}
