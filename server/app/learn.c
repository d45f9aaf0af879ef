/* What one event changes in memory, the same whether it has just been committed or is read back at start: so a restart gives what was there
 * before. */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "server/app/service.h"

#define LOOK_BACK 64 /* newest events among which the earlier items of an event are looked for */

void learn_type(struct app *app, uint32_t type)
{
    const char *name = names_text(app->names[NAME_TYPE], type);
    if (name && type < EVENT_TYPES_MAX)
        atomic_store(&app->type_weights[type], settings_type_weight(app->settings, name));
}

/* The items of the user's positive events before this one, newest first. Read after the event itself was added, so it is skipped once. */
static uint32_t read_earlier_items(struct app *app, const struct learned_event *event, uint32_t out_items[NEIGHBOURS_WINDOW])
{
    struct behaviour_event events[LOOK_BACK];
    uint32_t n = 0, n_items = 0;
    if (behaviour_read(app->behaviour, event->user, LOOK_BACK, events, NULL, &n, NULL) != STATUS_OK)
        return 0;
    bool is_past = false;
    for (uint32_t i = 0; i < n && n_items < NEIGHBOURS_WINDOW; i++) {
        bool is_itself = !is_past && events[i].at_ms == event->at_ms && events[i].item == event->item && events[i].type == event->type;
        if (is_past && events[i].feedback == FEEDBACK_POSITIVE)
            out_items[n_items++] = events[i].item;
        is_past |= is_itself;
    }
    return n_items;
}

static void learn_positive(struct app *app, const struct learned_event *event, float weight)
{
    uint32_t earlier[NEIGHBOURS_WINDOW];
    uint32_t n_earlier = read_earlier_items(app, event, earlier);
    if (neighbours_add(app->neighbours, event->item, weight, earlier, n_earlier) != STATUS_OK ||
        popularity_add(app->popularity, event->item, event->at_ms, weight) != STATUS_OK)
        log_line(LOG_WARNING, "memory", "no memory to count event %llu; it counts after the next start", (unsigned long long)event->seq);
}

void learn_event(struct app *app, const struct learned_event *event)
{
    float weight = event->type < EVENT_TYPES_MAX ? atomic_load(&app->type_weights[event->type]) : 0;
    enum feedback feedback = feedback_of(weight);
    if (feedback == FEEDBACK_NONE)
        return;
    struct error error = {0};
    struct behaviour_event kept = {.at_ms = event->at_ms, .item = event->item, .type = (uint8_t)event->type, .feedback = (uint8_t)feedback};
    if (behaviour_add(app->behaviour, event->user, event->seq, &kept, &error) != STATUS_OK)
        log_line(LOG_WARNING, "memory", "%s", error.detail);
    if (feedback == FEEDBACK_POSITIVE)
        learn_positive(app, event, weight);
}

/* --- at start --- */

static enum status learn_name(struct names *names, uint32_t number, const char *text)
{
    uint32_t given = number;
    TRY(text ? names_add(names, text, &given) : names_add_hole(names));
    return given == number && names_count(names) == number + 1 ? STATUS_OK : STATUS_CORRUPT;
}

static enum status learn_user_name(void *context, uint32_t number, const char *text)
{
    struct app *app = context;
    TRY(learn_name(app->names[NAME_USER], number, text));
    TRY(behaviour_reserve(app->behaviour, number));
    if (!text)
        behaviour_erase(app->behaviour, number);
    return STATUS_OK;
}

static enum status learn_item_name(void *context, uint32_t number, const char *text)
{
    struct app *app = context;
    TRY(learn_name(app->names[NAME_ITEM], number, text));
    return catalogue_put(app->catalogue, number, names_text(app->names[NAME_ITEM], number), NULL);
}

static enum status learn_type_name(void *context, uint32_t number, const char *text)
{
    struct app *app = context;
    TRY(learn_name(app->names[NAME_TYPE], number, text));
    learn_type(app, number);
    return STATUS_OK;
}

static enum status learn_item_row(void *context, const struct stored_item *row)
{
    struct app *app = context;
    const char *item_id = names_text(app->names[NAME_ITEM], row->item);
    return item_id ? catalogue_put(app->catalogue, row->item, item_id, row) : STATUS_CORRUPT;
}

static enum status learn_stored_event(void *context, const struct stored_event *event)
{
    learn_event(context, &(struct learned_event){
                             .seq = event->seq, .at_ms = event->at_ms, .user = event->user, .item = event->item, .type = event->type});
    return STATUS_OK;
}

enum status learn_stored(struct app *app, struct error *error)
{
    uint64_t started_ns = clock_monotonic_ns(), n_events = 0, last_seq = 0;
    TRY(name_store_scan(app->store, NAME_TYPE, learn_type_name, app, error));
    TRY(name_store_scan(app->store, NAME_USER, learn_user_name, app, error));
    TRY(name_store_scan(app->store, NAME_ITEM, learn_item_name, app, error));
    TRY(item_store_scan(app->store, learn_item_row, app, error));
    TRY(event_store_count(app->store, &n_events, &last_seq, error));
    TRY(event_store_scan(app->store, learn_stored_event, app, error));
    behaviour_loaded(app->behaviour);
    atomic_store(&app->seen_seq, last_seq);
    atomic_store(&app->figures.events, n_events);
    log_line(LOG_INFO, "store", "%llu events of %u users and %u items read in %.2f s", (unsigned long long)n_events,
             names_count(app->names[NAME_USER]), catalogue_count(app->catalogue), (double)(clock_monotonic_ns() - started_ns) * 1e-9);
    return STATUS_OK;
}

/* --- a forgotten user --- */

struct again {
    struct app *app;
    struct behaviour_rebuild *rebuild;
};

static enum status learn_again(void *context, const struct stored_event *event)
{
    struct again *again = context;
    float weight = event->type < EVENT_TYPES_MAX ? atomic_load(&again->app->type_weights[event->type]) : 0;
    enum feedback feedback = feedback_of(weight);
    if (feedback == FEEDBACK_NONE)
        return STATUS_OK;
    struct behaviour_event kept = {.at_ms = event->at_ms, .item = event->item, .type = (uint8_t)event->type, .feedback = (uint8_t)feedback};
    return behaviour_rebuild_add(again->rebuild, event->seq, &kept);
}

enum status learn_user_again(void *context, uint32_t user, uint64_t before_seq, struct behaviour_rebuild *rebuild, struct error *error)
{
    struct app *app = context;
    struct again again = {.app = app, .rebuild = rebuild};
    struct store *store = readers_acquire(app->readers);
    enum status status = event_store_of_user(store, user, before_seq, UINT32_MAX, learn_again, &again, error);
    readers_release(app->readers, store);
    return status;
}
