/* Pictures under everything at once: three threads put them (some are none), one deletes and makes the items that they are for, one reads.
 * The decoder's children are this program again. */
#include "server/app/service.h"

#include "core/base/log.h"
#include "server/pictures/decoder_child.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 60
#define ITEMS  4u

/* One black pixel. */
static const uint8_t png[] = {0x89, 0x50, 0x4e, 0x47, 0xd,  0xa,  0x1a, 0xa,  0x0,  0x0,  0x0,  0xd,  0x49, 0x48, 0x44, 0x52, 0x0,
                              0x0,  0x0,  0x1,  0x0,  0x0,  0x0,  0x1,  0x8,  0x0,  0x0,  0x0,  0x0,  0x3a, 0x7e, 0x9b, 0x55, 0x0,
                              0x0,  0x0,  0xa,  0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x60, 0x0,  0x0,  0x0,  0x2,  0x0,  0x1,
                              0x48, 0xaf, 0xa4, 0x71, 0x0,  0x0,  0x0,  0x0,  0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

struct shared {
    struct app *app;
    atomic_bool is_done;
    atomic_uint n_wrong;
};

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done;
};

static void wake(void *context)
{
    struct waiter *waiter = context;
    (void)pthread_mutex_lock(&waiter->lock);
    waiter->is_done = true;
    (void)pthread_cond_signal(&waiter->changed);
    (void)pthread_mutex_unlock(&waiter->lock);
}

static void check(struct shared *shared, bool is_right, const char *what, const struct error *error)
{
    if (!is_right && atomic_fetch_add(&shared->n_wrong, 1) < 10)
        (void)fprintf(stderr, "wrong: %s: %s\n", what, error->detail);
}

static enum status write_and_wait(struct shared *shared, struct write *write)
{
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    write->done = wake;
    write->context = &waiter;
    unsigned slot = app_enter(shared->app);
    enum status status = app_submit(shared->app, write, &write->error);
    app_leave(shared->app, slot);
    if (status != STATUS_OK)
        return status;
    (void)pthread_mutex_lock(&waiter.lock);
    while (!waiter.is_done)
        (void)pthread_cond_wait(&waiter.changed, &waiter.lock);
    (void)pthread_mutex_unlock(&waiter.lock);
    return write->status;
}

static const char *item_of(unsigned number)
{
    static const char *const items[ITEMS] = {"item-0", "item-1", "item-2", "item-3"};
    return items[number % ITEMS];
}

static void *put_pictures(void *argument)
{
    struct shared *shared = argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        bool is_bad = i % 7 == 6;
        struct picture_input picture = {.decoding = {.bytes = png, .n_bytes = is_bad ? sizeof png / 2 : sizeof png}};
        struct write write = {.kind = WRITE_PICTURE, .id = item_of(i), .picture = &picture};
        enum status status = write_and_wait(shared, &write);
        check(shared, status == (is_bad ? STATUS_INVALID : STATUS_OK) || status == STATUS_NOT_FOUND, "a picture", &write.error);
    }
    return NULL;
}

static void put_item(struct shared *shared, unsigned number)
{
    struct item_input item = {.item_id = item_of(number), .price = (double)NAN, .created_at_ms = INT64_MIN, .expires_at_ms = INT64_MIN};
    struct write write = {.kind = WRITE_ITEMS, .items = &item, .n = 1};
    check(shared, write_and_wait(shared, &write) == STATUS_OK, "an item", &write.error);
}

static void *change_items(void *argument)
{
    struct shared *shared = argument;
    for (unsigned i = 0; !atomic_load(&shared->is_done); i++) {
        struct write write = {.kind = i % 2 ? WRITE_ITEM_DELETE : WRITE_PICTURE_DELETE, .id = item_of(i / 2)};
        check(shared, write_and_wait(shared, &write) == STATUS_OK, "a deletion", &write.error);
        if (i % 2)
            put_item(shared, i / 2);
    }
    return NULL;
}

static void *read_pictures(void *argument)
{
    struct shared *shared = argument;
    for (unsigned i = 0; !atomic_load(&shared->is_done); i++) {
        SCOPED(buffer_clear) struct buffer out;
        const char *type = NULL;
        struct error error = {0};
        buffer_init(&out, 1 << 20);
        unsigned slot = app_enter(shared->app);
        enum status status = app_read_picture(shared->app, item_of(i), &out, &type, &error);
        app_leave(shared->app, slot);
        bool is_whole = status == STATUS_OK && out.n_bytes == sizeof png && memcmp(out.bytes, png, sizeof png) == 0;
        check(shared, is_whole || status == STATUS_NOT_FOUND, "a picture that was read", &error);
        if (i % 8 == 0)
            app_metrics(shared->app, &out);
    }
    return NULL;
}

static void race(struct shared *shared)
{
    pthread_t putters[3], others[2];
    for (unsigned i = 0; i < ITEMS; i++)
        put_item(shared, i);
    if (pthread_create(&others[0], NULL, change_items, shared) || pthread_create(&others[1], NULL, read_pictures, shared))
        abort();
    for (int i = 0; i < 3; i++)
        if (pthread_create(&putters[i], NULL, put_pictures, shared))
            abort();
    for (int i = 0; i < 3; i++)
        (void)pthread_join(putters[i], NULL);
    atomic_store(&shared->is_done, true);
    for (int i = 0; i < 2; i++)
        (void)pthread_join(others[i], NULL);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "decode-pictures") == 0)
        return decoder_child_run(STDIN_FILENO, picture_decode);
    struct shared shared = {.app = NULL};
    struct settings settings;
    char directory[] = "/tmp/inkling-race-XXXXXX", command[64];
    struct error error = {0};
    if (!mkdtemp(directory))
        return 1;
    log_set_level(LOG_ERROR);
    settings_default(&settings);
    settings.pictures_decoders = 2;
    settings.pictures_deadline = 60;
    (void)snprintf(settings.data_directory, sizeof settings.data_directory, "%s/data", directory);
    if (app_open(&settings, &shared.app, &error) != STATUS_OK) {
        (void)fprintf(stderr, "%s\n", error.detail);
        return 1;
    }
    race(&shared);
    unsigned long n_decoded = atomic_load(&shared.app->figures.pictures_decoded);
    app_close(shared.app);
    (void)snprintf(command, sizeof command, "rm -rf %s", directory);
    bool is_clean = system(command) == 0;
    (void)printf("%lu decoded, %u wrong\n", n_decoded, atomic_load(&shared.n_wrong));
    return is_clean && n_decoded > 0 && atomic_load(&shared.n_wrong) == 0 ? 0 : 1;
}
