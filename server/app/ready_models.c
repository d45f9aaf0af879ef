/* A model of behaviour is checked against the store's names here: past this, its numbers of items are the store's. */
#include "server/app/ready_models.h"

#include "server/app/model_files.h"

#include <stdio.h>
#include <string.h>

#define PATH_BYTES 4352

static void write_path(const struct app *app, const char *version, char out_path[PATH_BYTES])
{
    (void)snprintf(out_path, PATH_BYTES, "%s/%s" MODEL_EXTENSION, store_models_directory(app->store), version);
}

static enum status check_vocabulary(const struct app *app, const struct model *model, struct error *error)
{
    uint32_t n_items = model_facts(model)->shape.n_items, n_names = names_count(app->names[NAME_ITEM]);
    if (n_items > n_names)
        return fail(error, STATUS_CORRUPT, "foreign: the model knows %u items, this store %u", n_items, n_names);
    for (uint32_t item = 0; item < n_items; item++) {
        const char *name = names_text(app->names[NAME_ITEM], item);
        if (!name || strcmp(name, model_item_id(model, item)) != 0)
            return fail(error, STATUS_CORRUPT, "foreign: the model's item %u is \"%.60s\", this store's is \"%.60s\"", item,
                        model_item_id(model, item), name ? name : "");
    }
    return STATUS_OK;
}

void ready_models_clear(struct ready_models *ready)
{
    live_model_destroy(ready->behaviour);
    picture_index_destroy(ready->pictures);
    *ready = (struct ready_models){0};
}

void ready_models_renew(struct ready_models *ready, struct ready_models *newer)
{
    if (newer->behaviour) {
        live_model_destroy(ready->behaviour);
        ready->behaviour = newer->behaviour;
    }
    if (newer->pictures) {
        picture_index_destroy(ready->pictures);
        ready->pictures = newer->pictures;
    }
    *newer = (struct ready_models){0};
}

bool ready_models_any(const struct ready_models *ready)
{
    return ready->behaviour || ready->pictures;
}

static enum status check_name(const char *name, const char *version, struct error *error)
{
    return strcmp(name, version) == 0 ? STATUS_OK : fail(error, STATUS_CORRUPT, "the file's name says %s, its content %s", name, version);
}

static enum status open_behaviour(const struct app *app, const char *version, struct ready_models *out_ready, struct error *error)
{
    char path[PATH_BYTES];
    SCOPED(model_close) struct model *model = NULL;
    write_path(app, version, path);
    TRY(model_open(path, &model, error));
    TRY(check_name(version, model_facts(model)->version, error));
    TRY(check_vocabulary(app, model, error));
    TRY(live_model_create(model, app->epoch, &out_ready->behaviour, error));
    model = NULL;
    return STATUS_OK;
}

static enum status open_pictures(const struct app *app, const char *version, struct ready_models *out_ready, struct error *error)
{
    char path[PATH_BYTES];
    SCOPED(picture_model_close) struct picture_model *model = NULL;
    write_path(app, version, path);
    TRY(picture_model_open(path, &model, error));
    TRY(check_name(version, picture_model_facts(model)->version, error));
    if (picture_index_create(model, app->epoch, &out_ready->pictures) != STATUS_OK)
        return fail(error, STATUS_NOMEM, "no memory for a model of pictures");
    model = NULL;
    return STATUS_OK;
}

enum status ready_models_open(const struct app *app, const char *version, struct ready_models *out_ready, struct error *error)
{
    return model_version_kind(version) == MODEL_PICTURES ? open_pictures(app, version, out_ready, error)
                                                         : open_behaviour(app, version, out_ready, error);
}

enum status ready_models_facts(const struct ready_models *ready, struct buffer *facts, struct error *error)
{
    if (ready->behaviour)
        model_facts_write(model_facts(ready->behaviour->model), facts);
    else
        picture_model_facts_write(picture_index_model(ready->pictures), facts);
    return buffer_finish(facts, error);
}
