/* One atomic pointer to the index, and the number of times that it was exchanged, which tells whoever fills it that it is another one. */
#include "server/app/picture_live.h"

#include "core/base/log.h"
#include "server/app/model_files.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 4352

struct picture_live {
    const char *models;
    struct epoch *epoch;
    _Atomic(struct picture_index *) index;
    atomic_uint_fast64_t swaps;
    char refused[FILE_VERSION_BYTES]; /* the damaged file that was logged */
};

enum status picture_live_create(const char *models, struct epoch *epoch, struct picture_live **out_live)
{
    struct picture_live *live = calloc(1, sizeof *live);
    if (!live)
        return STATUS_NOMEM;
    live->models = models;
    live->epoch = epoch;
    *out_live = live;
    return STATUS_OK;
}

void picture_live_destroy(struct picture_live *live)
{
    if (!live)
        return;
    picture_index_destroy(atomic_load(&live->index));
    free(live);
}

struct picture_index *picture_live_get(const struct picture_live *live)
{
    return atomic_load(&live->index);
}

uint64_t picture_live_swaps(const struct picture_live *live)
{
    return atomic_load(&live->swaps);
}

/* --- the newest model --- */

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

static void destroy_index(void *index)
{
    picture_index_destroy(index);
}

/* The index first: who sees the number sees the index, too. */
static void swap(struct picture_live *live, struct picture_index *index)
{
    struct picture_index *old = atomic_exchange(&live->index, index);
    atomic_fetch_add(&live->swaps, 1);
    if (old)
        epoch_retire(live->epoch, old, destroy_index);
}

bool picture_live_look(struct picture_live *live)
{
    struct model_file newest;
    struct picture_index *index = NULL;
    struct error error = {.detail = ""};
    if (model_files_newest(live->models, PICTURE_LETTER, live->refused, &newest, &error) != STATUS_OK || is_live(live, newest.version))
        return false;
    enum status status = open_index(live, newest.version, &index, &error);
    if (status == STATUS_OK) {
        log_line(LOG_INFO, "pictures", "%s names pictures", newest.version);
        swap(live, index);
        return true;
    }
    log_line(LOG_WARNING, "pictures", "%s refused: %s", newest.version, error.detail[0] ? error.detail : status_text(status));
    if (status == STATUS_CORRUPT)
        memcpy(live->refused, newest.version, sizeof live->refused);
    return false;
}
