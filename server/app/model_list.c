/* The registry of models as a list for people and programs. */
#include "server/app/service.h"

#include <stdlib.h>
#include <string.h>

struct listing {
    struct arena *arena;
    struct model_row *rows;
    size_t n, capacity;
};

static const char *copy(struct arena *arena, const char *text, bool *is_good)
{
    const char *copied = text ? arena_copy(arena, text, strlen(text)) : NULL;
    *is_good &= !text || copied;
    return copied;
}

static enum status reserve(struct listing *listing)
{
    if (listing->n < listing->capacity)
        return STATUS_OK;
    size_t capacity = listing->capacity ? listing->capacity * 2 : 16;
    struct model_row *rows = arena_alloc_array(listing->arena, capacity, sizeof *rows);
    if (!rows)
        return STATUS_NOMEM;
    if (listing->n)
        memcpy(rows, listing->rows, listing->n * sizeof *rows);
    listing->rows = rows;
    listing->capacity = capacity;
    return STATUS_OK;
}

static enum status copy_row(struct arena *arena, const struct stored_model *model, struct model_row *out_row)
{
    bool is_good = true;
    *out_row = (struct model_row){.version = copy(arena, model->version, &is_good),
                                  .kind = model_kind_names[model->kind],
                                  .state = model_state_names[model->state],
                                  .facts = copy(arena, model->facts, &is_good),
                                  .reason = copy(arena, model->reason, &is_good),
                                  .created_at_ms = model->created_at_ms,
                                  .activated_at_ms = model->activated_at_ms};
    return is_good ? STATUS_OK : STATUS_NOMEM;
}

static enum status list_model(void *context, const struct stored_model *model)
{
    struct listing *listing = context;
    TRY(reserve(listing));
    return copy_row(listing->arena, model, &listing->rows[listing->n++]);
}

enum status app_models(struct app *app, struct arena *arena, struct model_row **out_rows, size_t *out_n, struct error *error)
{
    struct listing listing = {.arena = arena};
    struct store *store = readers_acquire(app->readers);
    enum status status = model_registry_scan(store, list_model, &listing, error);
    readers_release(app->readers, store);
    if (status == STATUS_NOMEM)
        return fail(error, STATUS_NOMEM, "no memory for the list of models");
    if (status != STATUS_OK)
        return status;
    *out_rows = listing.rows;
    *out_n = listing.n;
    return STATUS_OK;
}

struct lookup {
    struct arena *arena;
    struct model_row row;
};

static enum status take_model(void *context, const struct stored_model *model)
{
    struct lookup *lookup = context;
    return copy_row(lookup->arena, model, &lookup->row);
}

enum status app_model(struct app *app, const char *version, struct arena *arena, struct model_row *out_row, struct error *error)
{
    struct lookup lookup = {.arena = arena};
    struct store *store = readers_acquire(app->readers);
    enum status status = model_registry_read(store, version, take_model, &lookup, error);
    readers_release(app->readers, store);
    if (status == STATUS_NOMEM)
        return fail(error, STATUS_NOMEM, "no memory for the model");
    if (status != STATUS_OK)
        return status;
    *out_row = lookup.row;
    return STATUS_OK;
}
