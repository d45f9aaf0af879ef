/* Pictures of items through the whole service: decoded by a child (picture_child.c), written by the writer, read back. */
#include "tests/unit/server/app_fixture.h"
#include "tests/unit/server/picture_fixture.h"

#include "storage/picture_store.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct fixture fixture;
static struct picture_file png, jpeg;

static void open_service(void)
{
    fixture_open(&fixture);
    fixture_program(&fixture, "exec " PICTURE_CHILD " \"$@\"");
    png = picture_fixture_png();
    jpeg = picture_fixture_jpeg();
    cr_assert_eq(fixture_item(&fixture, "mug", NULL), STATUS_OK);
}

static void close_service(void)
{
    free(png.bytes);
    free(jpeg.bytes);
    fixture_close(&fixture);
}

TestSuite(item_pictures, .init = open_service, .fini = close_service, .timeout = 120);

/* Put and wait. */
static struct write put(const char *item_id, const void *bytes, size_t n)
{
    struct picture_input picture = {.decoding = {.bytes = bytes, .n_bytes = n}};
    struct write write = {.kind = WRITE_PICTURE, .id = item_id, .picture = &picture};
    unsigned slot = app_enter(fixture.app);
    (void)fixture_write(&fixture, &write);
    app_leave(fixture.app, slot);
    return write;
}

static void expect_file(const char *item_id, const struct picture_file *file, const char *media_type)
{
    SCOPED(buffer_clear) struct buffer out;
    struct error error = {.detail = ""};
    const char *found = NULL;
    buffer_init(&out, 1 << 20);
    cr_assert_eq(app_read_picture(fixture.app, item_id, &out, &found, &error), STATUS_OK, "%s", error.detail);
    cr_expect_str_eq(found, media_type);
    cr_assert_eq(out.n_bytes, file->n);
    cr_expect_arr_eq(out.bytes, file->bytes, file->n);
}

static void expect_none(const char *item_id, const char *words)
{
    SCOPED(buffer_clear) struct buffer out;
    struct error error = {.detail = ""};
    const char *found = NULL;
    buffer_init(&out, 1 << 20);
    cr_expect_eq(app_read_picture(fixture.app, item_id, &out, &found, &error), STATUS_NOT_FOUND);
    cr_expect(strstr(error.detail, words), "%s", error.detail);
}

Test(item_pictures, are_kept_as_they_were_sent)
{
    struct write write = put("mug", png.bytes, png.n);
    cr_assert_eq(write.status, STATUS_OK, "%s", write.error.detail);
    cr_expect(write.created);
    expect_file("mug", &png, "image/png");
}

Test(item_pictures, replace_one_another)
{
    cr_assert_eq(put("mug", png.bytes, png.n).status, STATUS_OK);
    struct write write = put("mug", jpeg.bytes, jpeg.n);
    cr_assert_eq(write.status, STATUS_OK, "%s", write.error.detail);
    cr_expect(!write.created);
    expect_file("mug", &jpeg, "image/jpeg");
}

Test(item_pictures, are_there_after_a_restart)
{
    cr_assert_eq(put("mug", png.bytes, png.n).status, STATUS_OK);
    fixture_stop(&fixture);
    fixture_start(&fixture);
    expect_file("mug", &png, "image/png");
}

static enum status compare_small(void *context, const struct stored_picture *row)
{
    uint8_t colours[PICTURE_FIXTURE_HEIGHT * PICTURE_FIXTURE_WIDTH * 3];
    picture_fixture_paint(colours);
    cr_expect(row->width == PICTURE_FIXTURE_WIDTH && row->height == PICTURE_FIXTURE_HEIGHT && row->channels == 3);
    cr_expect_arr_eq(row->pixels, colours, sizeof colours);
    cr_expect(!row->original && !row->media_type);
    ++*(int *)context;
    return STATUS_OK;
}

Test(item_pictures, are_kept_small_alone_where_files_are_not_kept)
{
    int n = 0;
    cr_assert_eq(settings_set(&fixture.settings, "pictures.keep_originals", "false", "--set", NULL), STATUS_OK);
    cr_assert_eq(put("mug", png.bytes, png.n).status, STATUS_OK);
    expect_none("mug", "the picture of item mug has no file: it is of an IDX file, or came while pictures.keep_originals was false");
    struct store *store = readers_acquire(fixture.app->readers);
    cr_expect_eq(picture_store_scan(store, compare_small, &n, NULL), STATUS_OK);
    readers_release(fixture.app->readers, store);
    cr_expect_eq(n, 1);
}

Test(item_pictures, go_with_their_item)
{
    cr_assert_eq(put("mug", png.bytes, png.n).status, STATUS_OK);
    cr_assert_eq(fixture_write(&fixture, &(struct write){.kind = WRITE_ITEM_DELETE, .id = "mug"}), STATUS_OK);
    expect_none("mug", "there is no item mug");
    cr_assert_eq(fixture_item(&fixture, "mug", NULL), STATUS_OK);
    expect_none("mug", "item mug has no picture");
}

Test(item_pictures, are_deleted_once)
{
    struct write first = {.kind = WRITE_PICTURE_DELETE, .id = "mug"}, second = first;
    cr_assert_eq(put("mug", png.bytes, png.n).status, STATUS_OK);
    cr_assert_eq(fixture_write(&fixture, &first), STATUS_OK);
    cr_assert_eq(fixture_write(&fixture, &second), STATUS_OK);
    cr_expect_eq(first.n_accepted, 1);
    cr_expect_eq(second.n_accepted, 0);
    expect_none("mug", "item mug has no picture");
}

Test(item_pictures, leave_the_old_one_alone_when_they_are_refused)
{
    static const char *const bad[] = {"crash", "no picture at all", "lie"};
    cr_assert_eq(put("mug", png.bytes, png.n).status, STATUS_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct write write = put("mug", bad[i], strlen(bad[i]));
        cr_expect_eq(write.status, STATUS_INVALID, "%s", bad[i]);
        cr_expect(write.error.detail[0], "%s", bad[i]);
    }
    expect_file("mug", &png, "image/png");
    cr_expect_eq(atomic_load(&fixture.app->figures.pictures_refused), 3);
    cr_expect_eq(decoder_children(fixture.app->decoder), 2, "the first, and one behind the first that broke it");
}

static void expect_refused_at_once(const char *item_id, size_t n_bytes, enum status status)
{
    struct picture_input picture = {.decoding = {.bytes = png.bytes, .n_bytes = n_bytes}};
    struct write write = {.kind = WRITE_PICTURE, .id = item_id, .picture = &picture};
    struct error error = {.detail = ""};
    unsigned slot = app_enter(fixture.app);
    cr_expect_eq(app_submit(fixture.app, &write, &error), status);
    app_leave(fixture.app, slot);
    cr_expect(error.detail[0]);
}

Test(item_pictures, are_refused_without_an_item)
{
    expect_refused_at_once("cup", png.n, STATUS_NOT_FOUND);
}

Test(item_pictures, are_refused_beyond_the_limit)
{
    cr_assert_eq(settings_set(&fixture.settings, "pictures.max_bytes", "1024", "--set", NULL), STATUS_OK);
    expect_refused_at_once("mug", 1025, STATUS_LIMIT);
    cr_expect_eq(atomic_load(&fixture.app->figures.pictures_refused), 0, "the decoder has not seen it, as the metric's help says");
}
