/* One item at a time inside the epoch, so that nothing that readers have left waits for it. A piece that is replaced there is retired after
 * leaving, because retiring may wait for readers. */
#include "server/app/filler.h"

#include "core/base/log.h"
#include "storage/picture_store.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct filler {
    struct filler_ground ground;
    char warned[MODEL_VERSION_BYTES]; /* the model of which was said that it does not take today's pictures */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_bool is_stopping;              /* changed under the lock */
    atomic_uint_fast64_t wanted, done;    /* rounds; wanted is changed under the lock */
    atomic_uint_fast64_t filled_pictures; /* the swap whose index has the stored pictures; 0: none has to */
};

bool filler_is_idle(const struct filler *filler)
{
    return atomic_load(&filler->done) == atomic_load(&filler->wanted);
}

bool filler_has_pictures(const struct filler *filler)
{
    return atomic_load(&filler->filled_pictures) == picture_live_swaps(filler->ground.pictures);
}

/* --- pictures --- */

struct filling {
    struct filler *filler;
    uint64_t swap; /* the one whose index is filled */
};

static enum status fill_picture(void *context, const struct stored_picture *stored)
{
    const struct filling *filling = context;
    const struct filler_ground *ground = &filling->filler->ground;
    struct picture picture = {stored->width, stored->height, stored->channels, (uint8_t *)stored->pixels}; /* it is read only */
    if (atomic_load(&filling->filler->is_stopping) || picture_live_swaps(ground->pictures) != filling->swap)
        return STATUS_CONFLICT;
    unsigned slot = epoch_enter(ground->epoch);
    enum status status = picture_index_fill(picture_live_get(ground->pictures), stored->item, &picture);
    epoch_leave(ground->epoch, slot);
    return status;
}

/* A store that cannot be read counts as gone through: the next index will try again, and meanwhile nobody waits for it. */
static void fill_pictures(struct filler *filler)
{
    SCOPED(store_close) struct store *store = NULL;
    struct filling filling = {filler, picture_live_swaps(filler->ground.pictures)};
    struct error error = {.detail = ""};
    if (atomic_load(&filler->filled_pictures) == filling.swap)
        return;
    enum status status = store_open(filler->ground.directory, STORE_READ, &store, &error);
    if (status == STATUS_OK)
        status = picture_store_scan(store, fill_picture, &filling, &error);
    if (status == STATUS_CONFLICT)
        return;
    atomic_store(&filler->filled_pictures, filling.swap);
    if (status != STATUS_OK)
        log_line(LOG_WARNING, "pictures", "not all stored pictures are among the similar ones: %s",
                 error.detail[0] ? error.detail : status_text(status));
}

/* --- places --- */

/* Place the item if it is not placed yet, or if it has a picture, which it may have been placed without. False: there is nothing behind it.
 */
static bool place_item(struct filler *filler, uint32_t item, enum status *status)
{
    const struct filler_ground *ground = &filler->ground;
    float *old = NULL;
    unsigned slot = epoch_enter(ground->epoch);
    struct newcomers *newcomers = live_get(ground->live)->newcomers;
    bool is_inside = newcomers && item < catalogue_count(ground->catalogue);
    if (is_inside && item >= newcomers_first(newcomers)) {
        const float *place = newcomers_place(newcomers, item); /* before what a newer one is made of */
        const struct item *record = catalogue_item(ground->catalogue, item);
        const struct picture_index *index = picture_live_get(ground->pictures);
        const float *picture = newcomers_take_pictures(newcomers, index) ? picture_index_vector(index, item) : NULL;
        if (record && (!place || picture))
            *status = newcomers_fill(newcomers, place, &record->row, picture, &old);
    }
    epoch_leave(ground->epoch, slot);
    if (old)
        epoch_retire(ground->epoch, old, free);
    return is_inside;
}

/* Say once of a model that pictures do not count with it. */
static void note_pictures(struct filler *filler, const struct live_model *live)
{
    const struct picture_index *index = picture_live_get(filler->ground.pictures);
    if (!index || !newcomers_want_pictures(live->newcomers) || newcomers_take_pictures(live->newcomers, index))
        return;
    const char *version = model_facts(live->model)->version;
    if (strcmp(filler->warned, version) == 0)
        return;
    memcpy(filler->warned, version, sizeof filler->warned);
    log_line(LOG_WARNING, "models", "%s places items by their words alone: it was not trained with the pictures of %s", version,
             picture_index_version(index));
}

/* The first item that the live model has not in its own table; UINT32_MAX: it places nothing. */
static uint32_t begin_places(struct filler *filler)
{
    unsigned slot = epoch_enter(filler->ground.epoch);
    const struct live_model *live = live_get(filler->ground.live);
    uint32_t first = live->newcomers ? newcomers_first(live->newcomers) : UINT32_MAX;
    if (live->newcomers)
        note_pictures(filler, live);
    epoch_leave(filler->ground.epoch, slot);
    return first;
}

/* If another model becomes live on the way, the rest is placed for that one, and the round that its swap asks for does what was before. */
static void fill_places(struct filler *filler)
{
    enum status status = STATUS_OK;
    uint32_t item = begin_places(filler);
    while (status == STATUS_OK && !atomic_load(&filler->is_stopping) && place_item(filler, item, &status))
        item++;
    if (status != STATUS_OK)
        log_line(LOG_WARNING, "models", "not all new items are placed by their content: %s", status_text(status));
}

/* --- the thread --- */

static void *run(void *context)
{
    struct filler *filler = context;
    (void)pthread_mutex_lock(&filler->lock);
    while (!atomic_load(&filler->is_stopping)) {
        uint64_t round = atomic_load(&filler->wanted);
        if (atomic_load(&filler->done) == round) {
            (void)pthread_cond_wait(&filler->changed, &filler->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&filler->lock);
        fill_pictures(filler);
        fill_places(filler);
        atomic_store(&filler->done, round);
        (void)pthread_mutex_lock(&filler->lock);
    }
    (void)pthread_mutex_unlock(&filler->lock);
    return NULL;
}

void filler_wake(struct filler *filler)
{
    if (!filler)
        return;
    (void)pthread_mutex_lock(&filler->lock);
    atomic_fetch_add(&filler->wanted, 1);
    (void)pthread_cond_signal(&filler->changed);
    (void)pthread_mutex_unlock(&filler->lock);
}

enum status filler_start(const struct filler_ground *ground, struct filler **out_filler, struct error *error)
{
    struct filler *filler = calloc(1, sizeof *filler);
    if (!filler)
        return fail(error, STATUS_NOMEM, "no memory to fill in what models say of items");
    filler->ground = *ground;
    atomic_init(&filler->wanted, 1);
    (void)pthread_mutex_init(&filler->lock, NULL);
    (void)pthread_cond_init(&filler->changed, NULL);
    int code = pthread_create(&filler->thread, NULL, run, filler);
    if (code) {
        (void)pthread_mutex_destroy(&filler->lock);
        (void)pthread_cond_destroy(&filler->changed);
        free(filler);
        return fail(error, STATUS_BUSY, "no thread to fill in what models say of items: %s", strerror(code));
    }
    *out_filler = filler;
    return STATUS_OK;
}

void filler_stop(struct filler *filler)
{
    if (!filler)
        return;
    (void)pthread_mutex_lock(&filler->lock);
    atomic_store(&filler->is_stopping, true);
    (void)pthread_cond_signal(&filler->changed);
    (void)pthread_mutex_unlock(&filler->lock);
    (void)pthread_join(filler->thread, NULL);
    (void)pthread_mutex_destroy(&filler->lock);
    (void)pthread_cond_destroy(&filler->changed);
    free(filler);
}
