/* IDX files and the names of labels: what is whole is read, what is not is refused by a sentence that names the file and what was
 * expected. */
#include "server/app/idx_reader.h"
#include "server/app/category_names.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 3, HEIGHT = 2, WIDTH = 4, PICTURE = HEIGHT * WIDTH };

static char directory[64], images[96], labels[96];
static struct error error;
static uint8_t image_bytes[16 + N * PICTURE + 1] = {0, 0, 8, 3, 0, 0, 0, N, 0, 0, 0, HEIGHT, 0, 0, 0, WIDTH};
static uint8_t label_bytes[8 + N + 1] = {0, 0, 8, 1, 0, 0, 0, N, 7, 0, 255};

static void write_file(const char *path, const void *bytes, size_t n_bytes)
{
    FILE *file = fopen(path, "wb");
    cr_assert(file);
    cr_assert_eq(fwrite(bytes, 1, n_bytes, file), n_bytes);
    cr_assert_eq(fclose(file), 0);
}

static void write_both(size_t n_images, size_t n_labels)
{
    write_file(images, image_bytes, n_images);
    write_file(labels, label_bytes, n_labels);
}

static void make(void)
{
    (void)snprintf(directory, sizeof directory, "/tmp/inkling-idx-XXXXXX");
    cr_assert(mkdtemp(directory));
    (void)snprintf(images, sizeof images, "%s/images", directory);
    (void)snprintf(labels, sizeof labels, "%s/labels", directory);
    for (int i = 0; i < N * PICTURE; i++)
        image_bytes[16 + i] = (uint8_t)(10 * i);
    write_both(16 + N * PICTURE, 8 + N);
}

static void clear(void)
{
    (void)unlink(images);
    (void)unlink(labels);
    (void)rmdir(directory);
}

TestSuite(idx_reader, .init = make, .fini = clear);
TestSuite(idx_labels, .init = make, .fini = clear);
TestSuite(category_names, .init = make, .fini = clear);

/* Read all; how many whole pictures came. */
static enum status read_all(int *out_n)
{
    bool has_picture = true;
    struct idx_reader *reader = NULL;
    *out_n = 0;
    error.detail[0] = '\0';
    enum status status = idx_reader_open(images, labels, &reader, &error);
    while (status == STATUS_OK && has_picture) {
        struct picture picture = {0};
        uint8_t label = 0;
        status = idx_reader_next(reader, &picture, &label, &has_picture, &error);
        *out_n += status == STATUS_OK && has_picture;
        picture_clear(&picture);
    }
    idx_reader_close(reader);
    return status;
}

static void expect_refused(enum status expected, int n_expected, const char *file, const char *words)
{
    int n = 0;
    enum status status = read_all(&n);
    cr_expect_eq(status, expected, "%s: %s", status_text(status), error.detail);
    cr_expect_eq(n, n_expected, "%d pictures before: %s", n, error.detail);
    cr_expect(strncmp(error.detail, file, strlen(file)) == 0 && strstr(error.detail, words), "%s", error.detail);
}

Test(idx_reader, gives_pictures_with_their_labels)
{
    struct idx_reader *reader = NULL;
    bool has_picture = false;
    cr_assert_eq(idx_reader_open(images, labels, &reader, &error), STATUS_OK, "%s", error.detail);
    struct idx_sizes sizes = idx_reader_sizes(reader);
    cr_expect(sizes.n == N && sizes.height == HEIGHT && sizes.width == WIDTH);
    for (int i = 0; i < N; i++) {
        struct picture picture = {0};
        uint8_t label = 0;
        cr_assert_eq(idx_reader_next(reader, &picture, &label, &has_picture, &error), STATUS_OK, "%s", error.detail);
        cr_assert(has_picture && picture.height == HEIGHT && picture.width == WIDTH && picture.channels == 1);
        cr_expect_eq(memcmp(picture.pixels, image_bytes + 16 + i * PICTURE, PICTURE), 0);
        cr_expect_eq(label, label_bytes[8 + i]);
        picture_clear(&picture);
    }
    for (int i = 0; i < 2; i++) { /* the end stays the end */
        cr_assert_eq(idx_reader_next(reader, &(struct picture){0}, &(uint8_t){0}, &has_picture, &error), STATUS_OK);
        cr_expect_not(has_picture);
    }
    idx_reader_close(reader);
}

Test(idx_reader, reads_files_without_a_picture)
{
    int n = 0;
    image_bytes[7] = label_bytes[7] = 0;
    write_both(16, 8);
    cr_expect_eq(read_all(&n), STATUS_OK, "%s", error.detail);
    cr_expect_eq(n, 0);
}

Test(idx_reader, refuses_other_magic_numbers)
{
    image_bytes[3] = 1;
    write_both(16 + N * PICTURE, 8 + N);
    expect_refused(STATUS_INVALID, 0, images, "0x00000803");
    image_bytes[3] = 3;
    label_bytes[2] = 9; /* signed bytes */
    write_both(16 + N * PICTURE, 8 + N);
    expect_refused(STATUS_INVALID, 0, labels, "0x00000801");
}

Test(idx_reader, refuses_files_that_end_in_their_header)
{
    for (size_t n = 0; n < 16; n++) {
        write_both(n, 8 + N);
        expect_refused(n < 4 ? STATUS_INVALID : STATUS_CORRUPT, 0, images, n == 0 ? "is empty" : n < 4 ? "less than 4 bytes" : "expected");
    }
    for (size_t n = 0; n < 8; n++) {
        write_both(16 + N * PICTURE, n);
        expect_refused(n < 4 ? STATUS_INVALID : STATUS_CORRUPT, 0, labels, n == 0 ? "is empty" : n < 4 ? "less than 4 bytes" : "expected");
    }
}

Test(idx_reader, refuses_two_files_of_different_counts)
{
    label_bytes[7] = N - 1;
    write_both(16 + N * PICTURE, 8 + N - 1);
    expect_refused(STATUS_INVALID, 0, labels, "2 labels; expected 3");
}

Test(idx_reader, refuses_sides_of_nothing_or_beyond_the_limits)
{
    static const uint8_t sides[][2][4] = {{{0, 0, 0, 0}, {0, 0, 0, 4}},
                                          {{0, 0, 0, 4}, {0, 0, 0, 0}},
                                          {{0, 0, 0x40, 1}, {0, 0, 0, 1}}, /* 16 385 */
                                          {{0, 0, 0, 1}, {255, 255, 255, 255}},
                                          {{0, 0, 0x20, 0}, {0, 0, 0x20, 0}}}; /* 8 192 x 8 192 */
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        memcpy(image_bytes + 8, sides[i], 8);
        write_both(16 + N * PICTURE, 8 + N);
        expect_refused(STATUS_INVALID, 0, images, "1 to 16384 a side");
    }
}

/* Four thousand million pictures are promised, three are there: nothing is allocated for the others. */
Test(idx_reader, refuses_counts_beyond_what_the_file_holds)
{
    memset(image_bytes + 4, 255, 4);
    memset(label_bytes + 4, 255, 4);
    write_both(16 + N * PICTURE, 8 + N);
    expect_refused(STATUS_CORRUPT, N, images, "expected 4294967295 pictures of 8 bytes, got 3");
}

Test(idx_reader, gives_the_whole_pictures_of_a_file_that_is_cut)
{
    for (int n = 0; n < N * PICTURE; n++) {
        write_both(16 + (size_t)n, 8 + N);
        expect_refused(STATUS_CORRUPT, n / PICTURE, images, "expected 3 pictures");
    }
    write_both(16 + N * PICTURE, 8 + 1);
    expect_refused(STATUS_CORRUPT, 1, labels, "expected 3 labels of 1 byte, got 1");
}

Test(idx_reader, refuses_what_stands_behind_the_last_entry)
{
    write_both(16 + N * PICTURE + 1, 8 + N);
    expect_refused(STATUS_INVALID, N, images, "goes on behind its 3 pictures");
    write_both(16 + N * PICTURE, 8 + N + 1);
    expect_refused(STATUS_INVALID, N, labels, "goes on behind its 3 labels");
}

Test(idx_reader, names_the_file_that_is_not_there)
{
    (void)unlink(labels);
    expect_refused(STATUS_NOT_FOUND, 0, labels, "cannot be opened");
    (void)unlink(images);
    expect_refused(STATUS_NOT_FOUND, 0, images, "cannot be opened");
}

static void expect_label(uint32_t least, bool is_expected, uint32_t at, uint8_t label)
{
    bool is_found = !is_expected;
    struct idx_label found = {0};
    cr_assert_eq(idx_labels_find(labels, least, &is_found, &found, &error), STATUS_OK, "%s", error.detail);
    cr_expect(is_found == is_expected && found.at == at && found.label == label, "%u or above: %u of picture %u", least, found.label,
              found.at);
}

Test(idx_labels, are_found_by_the_first_that_is_too_large)
{
    expect_label(7, true, 0, 7);
    expect_label(8, true, 2, 255);
    expect_label(256, false, 0, 0);
}

Test(idx_labels, are_looked_at_as_far_as_the_file_goes)
{
    write_both(16, 8 + 2);
    expect_label(8, false, 0, 0);
    expect_label(7, true, 0, 7);
    label_bytes[8 + 2] = 1;
    label_bytes[8 + N] = 200; /* behind the last one: no label */
    write_both(16, 8 + N + 1);
    expect_label(8, false, 0, 0);
}

/* --- names --- */

static struct arena *arena;
static struct category_names names;

static enum status read_names(const char *text)
{
    write_file(labels, text, strlen(text));
    arena = arena_create(4096, 1 << 20);
    names = (struct category_names){.path = "untouched"};
    return category_names_read(labels, 256, arena, &names, &error);
}

Test(category_names, are_the_lines_of_a_file)
{
    cr_assert_eq(read_names("\xef\xbb\xbfT-shirt/top\r\nTrouser\nPull\xc3\xb6ver"), STATUS_OK, "%s", error.detail);
    cr_expect_eq(names.n, 3);
    cr_expect_str_eq(names.names[0], "T-shirt/top");
    cr_expect_str_eq(names.names[1], "Trouser");
    cr_expect_str_eq(names.names[2], "Pull\xc3\xb6ver");
    arena_destroy(arena);
}

Test(category_names, without_a_file_are_numbers)
{
    arena = arena_create(4096, 1 << 20);
    cr_assert_eq(category_names_read(NULL, 256, arena, &names, &error), STATUS_OK);
    cr_expect_eq(names.n, 256);
    cr_expect_str_eq(names.names[0], "0");
    cr_expect_str_eq(names.names[255], "255");
    arena_destroy(arena);
}

static void expect_no_names(const char *text, const char *words)
{
    cr_expect_eq(read_names(text), STATUS_INVALID);
    cr_expect(strncmp(error.detail, labels, strlen(labels)) == 0 && strstr(error.detail, words), "%s", error.detail);
    cr_expect_str_eq(names.path, "untouched");
    arena_destroy(arena);
}

Test(category_names, that_are_no_categories_are_refused_with_their_line)
{
    char many[257 * 2 + 1], line[131];
    expect_no_names("one\n\nthree\n", "line 2: expected the name of category 1");
    expect_no_names("one\n  \n", "line 2");
    expect_no_names("one\ntwo\nth\xffree\n", "line 3");
    expect_no_names("o\x01ne\n", "line 1");
    memset(line, 'x', sizeof line);
    line[129] = '\n';
    line[130] = '\0';
    expect_no_names(line, "1 to 128 bytes");
    for (size_t i = 0; i < 257; i++)
        memcpy(many + 2 * i, "a\n", 3);
    expect_no_names(many, "line 257 is too many");
}
