/* What is known of one user: profile and events, read from the store through a read-only connection. */
#include "server/app/service.h"
#include "storage/user_store.h"

#include <string.h>

/* --- events --- */

struct visitor {
    struct app *app;
    enum status (*visit)(void *context, const struct user_event *event);
    void *context;
};

static enum status visit_event(void *context, const struct stored_event *row)
{
    const struct visitor *visitor = context;
    struct user_event event = {
        .event_id = row->event_id, .seq = row->seq, .at_ms = row->at_ms, .value = row->value, .quantity = row->quantity};
    event.item_id = names_text(visitor->app->names[NAME_ITEM], row->item);
    event.type = names_text(visitor->app->names[NAME_TYPE], row->type);
    event.position = row->position;
    event.session_id = row->session_id;
    event.recommendation_id = row->recommendation_id;
    event.slot = row->slot;
    event.context = row->context;
    return visitor->visit(visitor->context, &event);
}

static enum status find_user(const struct app *app, const char *user_id, uint32_t *out_user, struct error *error)
{
    uint32_t user = names_find(app->names[NAME_USER], user_id);
    if (user == NAMES_NONE)
        return fail(error, STATUS_NOT_FOUND, "there is no user %.128s", user_id);
    *out_user = user;
    return STATUS_OK;
}

enum status app_user_events(struct app *app, const char *user_id, uint64_t before_seq, uint32_t limit,
                            enum status (*visit)(void *context, const struct user_event *event), void *context, struct error *error)
{
    uint32_t user = 0;
    struct visitor visitor = {.app = app, .visit = visit, .context = context};
    TRY(find_user(app, user_id, &user, error));
    struct store *store = readers_acquire(app->readers);
    enum status status = event_store_of_user(store, user, before_seq, limit, visit_event, &visitor, error);
    readers_release(app->readers, store);
    return status;
}

/* --- profile --- */

struct profile_reader {
    struct arena *arena;
    struct user_profile *profile;
};

static enum status read_profile(void *context, const struct stored_user *row)
{
    const struct profile_reader *reader = context;
    reader->profile->created_at_ms = row->created_at_ms;
    reader->profile->updated_at_ms = row->updated_at_ms;
    if (!row->attributes)
        return STATUS_OK;
    reader->profile->attributes = arena_copy(reader->arena, row->attributes, strlen(row->attributes));
    return reader->profile->attributes ? STATUS_OK : STATUS_NOMEM;
}

enum status app_user(struct app *app, const char *user_id, struct arena *arena, struct user_profile *out, struct error *error)
{
    uint32_t user = 0, n_events = 0, max = (uint32_t)app->settings->behaviour_max_events;
    struct user_profile profile = {.created_at_ms = INT64_MIN, .updated_at_ms = INT64_MIN};
    struct profile_reader reader = {.arena = arena, .profile = &profile};
    TRY(find_user(app, user_id, &user, error));
    struct behaviour_event *events = arena_alloc_array(arena, max, sizeof *events);
    profile.user_id = arena_copy(arena, user_id, strlen(user_id));
    if (!events || !profile.user_id)
        return fail(error, STATUS_NOMEM, "no memory for a user's profile");
    TRY(behaviour_read(app->behaviour, user, max, events, NULL, &n_events, error));
    profile.n_events = n_events;
    struct store *store = readers_acquire(app->readers);
    enum status status = user_store_get(store, user, read_profile, &reader, error);
    readers_release(app->readers, store);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) /* not found: only events have named the user */
        return status;
    *out = profile;
    return STATUS_OK;
}
