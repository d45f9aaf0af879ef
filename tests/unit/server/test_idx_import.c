/* IDX files in a store: items, categories, pictures; what is kept of files that are not whole. */
#include "core/base/names.h"
#include "core/base/node.h"
#include "server/app/importer.h"
#include "server/pictures/picture.h"
#include "storage/item_store.h"
#include "storage/name_store.h"
#include "storage/picture_store.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_BYTES 4096

static char directory[64], data[96], images[128], labels[96], names[96];
static struct error error;
static struct import_counts counts;
static char said[TEXT_BYTES];

static void make(void)
{
    node_start();
    (void)snprintf(directory, sizeof directory, "/tmp/inkling-idx-XXXXXX");
    cr_assert(mkdtemp(directory));
    (void)snprintf(data, sizeof data, "%s/data", directory);
    (void)snprintf(images, sizeof images, "%s/shoes.gz", directory); /* not packed: the content says which */
    (void)snprintf(labels, sizeof labels, "%s/labels", directory);
    (void)snprintf(names, sizeof names, "%s/names", directory);
}

static void clear(void)
{
    static const char *const parts[] = {"data/inkling.db",
                                        "data/inkling.db-wal",
                                        "data/inkling.db-shm",
                                        "data/lock",
                                        "data/models",
                                        "data",
                                        "shoes.gz",
                                        "labels",
                                        "names",
                                        ""};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", directory, parts[i]);
        (void)remove(path);
    }
}

TestSuite(idx_import, .init = make, .fini = clear, .timeout = 120);

static void put_number(FILE *file, uint32_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        (void)fputc((int)(number >> shift & 255), file);
}

/* n pictures of one colour each, from 0 on, with labels from 0 on. */
static void write_idx(uint32_t n, uint32_t side)
{
    FILE *file = fopen(images, "wb"), *other = fopen(labels, "wb");
    cr_assert(file && other);
    put_number(file, 0x803);
    put_number(file, n);
    put_number(file, side);
    put_number(file, side);
    put_number(other, 0x801);
    put_number(other, n);
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < side * side; j++)
            (void)fputc((int)i, file);
        (void)fputc((int)i, other);
    }
    cr_assert(fclose(file) == 0 && fclose(other) == 0);
}

static void write_names(const char *text)
{
    FILE *file = fopen(names, "wb");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static enum status import(const char *with_names, const struct import_options *options)
{
    struct importer *importer = NULL;
    cr_assert_eq(importer_open(data, options, &importer, &error), STATUS_OK, "%s", error.detail);
    enum status status = importer_read_idx(importer, images, labels, with_names, &error);
    cr_assert_eq(importer_finish(importer, NULL), STATUS_OK);
    counts = importer_counts(importer);
    importer_close(importer);
    return status;
}

static struct import_options plain;

/* --- what the store holds, as text --- */

#define SAY(...) (void)snprintf(said + strlen(said), sizeof said - strlen(said), __VA_ARGS__)

static enum status take_name(void *context, uint32_t number, const char *text)
{
    return text ? names_add(context, text, &number) : names_add_hole(context);
}

static enum status say_item(void *context, const struct stored_item *item)
{
    SAY("%s kind %d %s\n", names_text(context, item->item), item->kind, item->categories);
    return STATUS_OK;
}

static enum status say_picture(void *context, const struct stored_picture *picture)
{
    SAY("%s %u x %u x %u, first %u%s\n", names_text(context, picture->item), picture->height, picture->width, picture->channels,
        picture->pixels[0], picture->original || picture->media_type ? " with an original" : "");
    return STATUS_OK;
}

static void say_store(void)
{
    struct store *store = NULL;
    struct names *items = names_create();
    said[0] = '\0';
    cr_assert_eq(store_open(data, STORE_READ, &store, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(store_check_integrity(store, &error), STATUS_OK, "%s", error.detail);
    cr_assert_eq(name_store_scan(store, NAME_ITEM, take_name, items, &error), STATUS_OK);
    cr_assert_eq(item_store_scan(store, say_item, items, &error), STATUS_OK);
    cr_assert_eq(picture_store_scan(store, say_picture, items, &error), STATUS_OK);
    names_destroy(items);
    store_close(store);
}

static void expect_store(const char *expected)
{
    say_store();
    cr_expect_str_eq(said, expected, "--- expected\n%s--- got\n%s", expected, said);
}

Test(idx_import, makes_items_with_a_category_of_every_picture)
{
    write_idx(2, 3);
    cr_assert_eq(import(NULL, &plain), STATUS_OK, "%s", error.detail);
    cr_expect(counts.n_pictures == 2 && counts.n_items == 2 && counts.n_refused == 0 && counts.n_events == 0);
    expect_store("shoes:0 kind 0 [\"0\"]\nshoes:1 kind 0 [\"1\"]\nshoes:0 3 x 3 x 1, first 0\nshoes:1 3 x 3 x 1, first 1\n");
}

Test(idx_import, replaces_what_was_imported_before)
{
    write_idx(2, 3);
    write_names("boot\nsandal\n");
    cr_assert_eq(import(NULL, &plain), STATUS_OK, "%s", error.detail);
    cr_assert_eq(import(names, &plain), STATUS_OK, "%s", error.detail);
    expect_store("shoes:0 kind 0 [\"boot\"]\nshoes:1 kind 0 [\"sandal\"]\nshoes:0 3 x 3 x 1, first 0\nshoes:1 3 x 3 x 1, first 1\n");
}

Test(idx_import, makes_large_pictures_small)
{
    write_idx(1, 65);
    cr_assert_eq(import(NULL, &plain), STATUS_OK, "%s", error.detail);
    expect_store("shoes:0 kind 0 [\"0\"]\nshoes:0 64 x 64 x 1, first 0\n");
}

Test(idx_import, looks_for_labels_without_a_name_before_it_writes)
{
    write_idx(3, 2);
    write_names("boot\nsandal\n");
    cr_assert_eq(import(names, &plain), STATUS_INVALID);
    cr_expect(strstr(error.detail, labels) == error.detail && strstr(error.detail, "picture 2 has the label 2") &&
                  strstr(error.detail, names),
              "%s", error.detail);
    cr_expect(counts.n_pictures == 0 && counts.n_items == 0);
    expect_store("");
}

Test(idx_import, reads_labels_with_names_from_regular_files_alone)
{
    write_idx(1, 2);
    write_names("boot\n");
    cr_assert_eq(unlink(labels), 0);
    cr_assert_eq(mkfifo(labels, 0600), 0);
    int writer = open(labels, O_RDWR | O_CLOEXEC); /* nothing waits for somebody at the other end */
    cr_assert(writer >= 0 && write(writer, "\0\0\x08\x01\0\0\0\x01\0", 9) == 9);
    enum status status = import(names, &plain);
    cr_expect_eq(close(writer), 0);
    cr_expect_eq(status, STATUS_INVALID);
    cr_expect(strstr(error.detail, labels) == error.detail && strstr(error.detail, "regular file"), "%s", error.detail);
    expect_store("");
}

Test(idx_import, keeps_nothing_of_a_damaged_file_if_it_is_strict)
{
    struct import_options strict = {.is_strict = true};
    write_idx(3, 2);
    cr_assert_eq(truncate(images, 16 + 2 * 4 + 1), 0);
    cr_assert_eq(import(NULL, &strict), STATUS_CORRUPT);
    cr_expect(strstr(error.detail, images) == error.detail && strstr(error.detail, "got 2"), "%s", error.detail);
    cr_expect(counts.n_pictures == 0 && counts.n_items == 0);
    expect_store("");
}

Test(idx_import, refuses_a_file_whose_name_makes_no_id)
{
    char before[sizeof images];
    write_idx(1, 2);
    memcpy(before, images, sizeof images);
    (void)snprintf(images, sizeof images, "%s/\x7f", directory);
    cr_assert_eq(rename(before, images), 0);
    enum status status = import(NULL, &plain);
    cr_assert_eq(unlink(images), 0);
    cr_expect_eq(status, STATUS_INVALID);
    cr_expect(strstr(error.detail, "at most 128 bytes"), "%s", error.detail);
    expect_store("");
}

static bool stop_at_once(void *context, const struct progress_step *step)
{
    (void)context;
    (void)step;
    return false;
}

Test(idx_import, stops_when_the_progress_says_so)
{
    struct progress progress = {.report = stop_at_once};
    struct import_options options = {.progress = &progress};
    write_idx(3, 2);
    cr_assert_eq(import(NULL, &options), STATUS_CONFLICT);
    expect_store("");
}
