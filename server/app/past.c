/* What came with the question is newer than everything stored, and answers stored weak events too. */
#include "server/app/past.h"

static void add(struct past *past, uint32_t item, uint8_t type, float weight)
{
    past->items[past->n] = item;
    past->types[past->n] = type;
    past->weights[past->n++] = weight;
}

/* Is there a positive event on item among those that came with the question and were added so far (the newer ones)? */
static bool is_answered(const struct past *past, uint32_t n_context, uint32_t item)
{
    for (uint32_t i = 0; i < n_context; i++)
        if (past->items[i] == item && past->weights[i] > 0)
            return true;
    return false;
}

static void add_weak(struct past *past, uint32_t n_context, uint32_t item, float weight)
{
    if (is_answered(past, n_context, item))
        return;
    past->weak.items[past->weak.n] = item;
    past->weak.weights[past->weak.n++] = weight;
}

static void read_context(struct selection *selection, const struct recommend_query *query, struct past *past)
{
    const struct app *app = selection->app;
    for (size_t i = query->n_context_events; i-- > 0;) {
        const struct context_event *event = &query->context_events[i];
        uint32_t item = names_find(app->names[NAME_ITEM], event->item_id), type = names_find(app->names[NAME_TYPE], event->type);
        bool is_new_type = type >= EVENT_TYPES_MAX;
        float weight = is_new_type ? settings_type_weight(app->settings, event->type) : atomic_load(&app->type_weights[type]);
        if (item == NAMES_NONE)
            continue;
        if (feedback_of(weight) == FEEDBACK_WEAK)
            add_weak(past, past->n, item, weight);
        if (!feedback_is_behaviour(weight))
            continue;
        add(past, item, is_new_type ? EVENT_TYPES_MAX : (uint8_t)type, weight);
        marks_set(&selection->had, item);
    }
    past->n_context = past->n;
}

static enum status read_stored(struct selection *selection, uint32_t max, struct behaviour_event events[], struct past *past)
{
    const struct app *app = selection->app;
    uint32_t n = 0, n_weak = 0;
    if (past->user == NAMES_NONE)
        return STATUS_OK;
    TRY(behaviour_read(app->behaviour, past->user, max, events, &selection->had, &n, NULL));
    for (uint32_t i = 0; i < n; i++)
        add(past, events[i].item, events[i].type, atomic_load(&app->type_weights[events[i].type]));
    TRY(behaviour_read_weak(app->behaviour, past->user, max, events, &n_weak, NULL));
    for (uint32_t i = 0; i < n_weak; i++)
        add_weak(past, past->n_context, events[i].item, atomic_load(&app->type_weights[events[i].type]));
    return STATUS_OK;
}

enum status past_read(struct selection *selection, const struct recommend_query *query, uint32_t max, struct arena *arena,
                      struct past *out_past, bool *out_degraded, struct error *error)
{
    size_t n = max + query->n_context_events;
    struct behaviour_event *events = arena_alloc_array(arena, max, sizeof *events);
    struct past past = {.items = arena_alloc_array(arena, n, sizeof *past.items),
                        .types = arena_alloc_array(arena, n, sizeof *past.types),
                        .weights = arena_alloc_array(arena, n, sizeof *past.weights),
                        .user = query->user_id ? names_find(selection->app->names[NAME_USER], query->user_id) : NAMES_NONE,
                        .weak = {.items = arena_alloc_array(arena, n, sizeof *past.weak.items),
                                 .weights = arena_alloc_array(arena, n, sizeof *past.weak.weights)}};
    if (!events || !past.items || !past.types || !past.weights || !past.weak.items || !past.weak.weights)
        return fail(error, STATUS_NOMEM, "no memory for a user's events");
    selection->is_without_had = query->exclude_seen;
    read_context(selection, query, &past);
    *out_degraded = read_stored(selection, max, events, &past) != STATUS_OK;
    *out_past = past;
    return STATUS_OK;
}
