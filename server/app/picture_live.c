/* The thread works for one index at a time and looks between any two pictures whether it is still the live one; only then, and inside the
 * epoch, does it touch it. */
#include "server/app/picture_live.h"

#include "core/base/log.h"
#include "server/app/model_files.h"
#include "storage/picture_store.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 4352

struct picture_live {
    const char *directory, *models;
    struct epoch *epoch;
    _Atomic(struct picture_index *) index;
    char refused[FILE_VERSION_BYTES]; /* the damaged file that was logged */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_stopping;                    /* under the lock */
    atomic_uint_fast64_t wanted, filled; /* swaps: the last one (changed under the lock), and up to which the thread is through */
};

struct picture_index *picture_live_get(const struct picture_live *live)
{
    return atomic_load(&live->index);
}

bool picture_live_is_filled(const struct picture_live *live)
{
    return atomic_load(&live->filled) == atomic_load(&live->wanted);
}

/* --- filling --- */

struct filling {
    struct picture_live *live;
    uint64_t swap; /* the one whose index is filled */
};

static enum status fill_one(void *context, const struct stored_picture *stored)
{
    struct filling *filling = context;
    struct picture_live *live = filling->live;
    struct picture picture = {stored->width, stored->height, stored->channels, (uint8_t *)stored->pixels}; /* it is read only */
    unsigned slot = epoch_enter(live->epoch);
    bool is_live = atomic_load(&live->wanted) == filling->swap;
    enum status status = is_live ? picture_index_fill(picture_live_get(live), stored->item, &picture) : STATUS_CONFLICT;
    epoch_leave(live->epoch, slot);
    return status;
}

static void fill(struct picture_live *live, uint64_t swap)
{
    SCOPED(store_close) struct store *store = NULL;
    struct filling filling = {live, swap};
    struct error error = {.detail = ""};
    enum status status = store_open(live->directory, STORE_READ, &store, &error);
    if (status == STATUS_OK)
        status = picture_store_scan(store, fill_one, &filling, &error);
    if (status == STATUS_OK)
        atomic_store(&live->filled, swap);
    else if (status != STATUS_CONFLICT)
        log_line(LOG_WARNING, "pictures", "not all stored pictures are among the similar ones: %s",
                 error.detail[0] ? error.detail : status_text(status));
}

static void *run(void *context)
{
    struct picture_live *live = context;
    uint64_t done = 0;
    (void)pthread_mutex_lock(&live->lock);
    while (!live->is_stopping) {
        if (atomic_load(&live->wanted) == done) {
            (void)pthread_cond_wait(&live->changed, &live->lock);
            continue;
        }
        done = atomic_load(&live->wanted);
        (void)pthread_mutex_unlock(&live->lock);
        fill(live, done);
        (void)pthread_mutex_lock(&live->lock);
    }
    (void)pthread_mutex_unlock(&live->lock);
    return NULL;
}

/* --- swapping --- */

static void destroy_index(void *index)
{
    picture_index_destroy(index);
}

/* The index first: who sees the number sees the index, too. */
static void swap(struct picture_live *live, struct picture_index *index)
{
    struct picture_index *old = atomic_exchange(&live->index, index);
    (void)pthread_mutex_lock(&live->lock);
    atomic_fetch_add(&live->wanted, 1);
    (void)pthread_cond_signal(&live->changed);
    (void)pthread_mutex_unlock(&live->lock);
    if (old)
        epoch_retire(live->epoch, old, destroy_index);
}

struct newest {
    struct model_file file;
    const char *refused;
    bool is_there;
};

static enum status note_newest(void *context, const struct model_file *file)
{
    struct newest *newest = context;
    if (strcmp(file->version, newest->refused) == 0 || (newest->is_there && model_file_compare(&newest->file, file) > 0))
        return STATUS_OK;
    newest->file = *file;
    newest->is_there = true;
    return STATUS_OK;
}

static enum status open_index(const struct picture_live *live, const char *version, struct picture_index **out_index, struct error *error)
{
    char path[PATH_BYTES];
    SCOPED(picture_model_close) struct picture_model *model = NULL;
    (void)snprintf(path, sizeof path, "%s/%s" MODEL_EXTENSION, live->models, version);
    TRY(picture_model_open(path, &model, error));
    if (strcmp(picture_model_facts(model)->version, version) != 0)
        return fail(error, STATUS_CORRUPT, "the file's name says %s, its content %s", version, picture_model_facts(model)->version);
    TRY(picture_index_create(model, live->epoch, out_index));
    model = NULL;
    return STATUS_OK;
}

static bool is_live(const struct picture_live *live, const char *version)
{
    const struct picture_index *index = picture_live_get(live);
    return index && strcmp(picture_model_facts(picture_index_model(index))->version, version) == 0;
}

void picture_live_look(struct picture_live *live)
{
    struct newest newest = {.refused = live->refused};
    struct picture_index *index = NULL;
    struct error error = {.detail = ""};
    if (model_files_each(live->models, PICTURE_LETTER, note_newest, &newest, &error) != STATUS_OK || !newest.is_there ||
        is_live(live, newest.file.version))
        return;
    enum status status = open_index(live, newest.file.version, &index, &error);
    if (status == STATUS_OK) {
        log_line(LOG_INFO, "pictures", "%s names pictures", newest.file.version);
        swap(live, index);
        return;
    }
    log_line(LOG_WARNING, "pictures", "%s refused: %s", newest.file.version, error.detail[0] ? error.detail : status_text(status));
    if (status == STATUS_CORRUPT)
        memcpy(live->refused, newest.file.version, sizeof live->refused);
}

/* --- life --- */

enum status picture_live_start(const char *directory, const char *models, struct epoch *epoch, struct picture_live **out_live,
                               struct error *error)
{
    struct picture_live *live = calloc(1, sizeof *live);
    if (!live)
        return fail(error, STATUS_NOMEM, "no memory for the pictures");
    live->directory = directory;
    live->models = models;
    live->epoch = epoch;
    (void)pthread_mutex_init(&live->lock, NULL);
    (void)pthread_cond_init(&live->changed, NULL);
    if (pthread_create(&live->thread, NULL, run, live)) {
        enum status status = fail(error, STATUS_BUSY, "no thread for the pictures: %s", strerror(errno));
        free(live);
        return status;
    }
    *out_live = live;
    return STATUS_OK;
}

void picture_live_stop(struct picture_live *live)
{
    if (!live)
        return;
    (void)pthread_mutex_lock(&live->lock);
    live->is_stopping = true;
    atomic_fetch_add(&live->wanted, 1); /* what is being filled is no longer wanted */
    (void)pthread_cond_signal(&live->changed);
    (void)pthread_mutex_unlock(&live->lock);
    (void)pthread_join(live->thread, NULL);
    picture_index_destroy(atomic_load(&live->index));
    (void)pthread_mutex_destroy(&live->lock);
    (void)pthread_cond_destroy(&live->changed);
    free(live);
}
