/* The three questions that are answered with a list: for a user, popular, similar.
 *
 * What a user did is copied once (newest first) and seen by two methods: the encoder, which wants it oldest first and knows only the items
 * and types of its training, and the neighbours, which know everything. */
#include "server/app/encoding.h"

static void past_add(struct past *past, uint32_t item, uint8_t type, float weight)
{
    past->items[past->n] = item;
    past->types[past->n] = type;
    past->weights[past->n++] = weight;
}

/* The events that came with the question: newer than everything stored. */
static void read_context(struct selection *selection, const struct recommend_query *query, struct past *past)
{
    const struct app *app = selection->app;
    for (size_t i = query->n_context_events; i-- > 0;) {
        const struct context_event *event = &query->context_events[i];
        uint32_t item = names_find(app->names[NAME_ITEM], event->item_id), type = names_find(app->names[NAME_TYPE], event->type);
        bool is_new_type = type >= EVENT_TYPES_MAX;
        float weight = is_new_type ? settings_type_weight(app->settings, event->type) : atomic_load(&app->type_weights[type]);
        if (item == NAMES_NONE || !feedback_is_behaviour(weight))
            continue;
        past_add(past, item, is_new_type ? EVENT_TYPES_MAX : (uint8_t)type, weight);
        if (query->exclude_seen)
            marks_set(&selection->left_out, item);
    }
    past->n_context = past->n;
}

/* Returns false if the user's events could not be read: the answer is then degraded. */
static bool read_stored(struct selection *selection, const struct recommend_query *query, uint32_t max, struct behaviour_event events[],
                        struct past *past)
{
    const struct app *app = selection->app;
    uint32_t n = 0, user = query->user_id ? names_find(app->names[NAME_USER], query->user_id) : NAMES_NONE;
    past->user = user;
    struct marks *seen = query->exclude_seen ? &selection->left_out : NULL;
    if (user == NAMES_NONE)
        return true;
    if (behaviour_read(app->behaviour, user, max, events, seen, &n, NULL) != STATUS_OK)
        return false;
    for (uint32_t i = 0; i < n; i++)
        past_add(past, events[i].item, events[i].type, atomic_load(&app->type_weights[events[i].type]));
    return true;
}

static enum status read_past(struct selection *selection, const struct recommend_query *query, struct arena *arena, struct past *past,
                             bool *out_degraded, struct error *error)
{
    uint32_t history = selection->model ? model_facts(selection->model)->shape.history : 0;
    uint32_t max = history > NEIGHBOURS_REACH ? history : NEIGHBOURS_REACH;
    size_t n = max + query->n_context_events;
    struct behaviour_event *events = arena_alloc_array(arena, max, sizeof *events);
    *past = (struct past){.items = arena_alloc_array(arena, n, sizeof *past->items),
                          .types = arena_alloc_array(arena, n, sizeof *past->types),
                          .weights = arena_alloc_array(arena, n, sizeof *past->weights)};
    if (!events || !past->items || !past->types || !past->weights)
        return fail(error, STATUS_NOMEM, "no memory for a user's events");
    read_context(selection, query, past);
    *out_degraded = !read_stored(selection, query, max, events, past);
    return STATUS_OK;
}

static float neighbours_weight(const struct selection *selection)
{
    double configured = selection->app->settings->neighbours_weight;
    return configured >= 0 ? (float)configured : model_facts(selection->model)->neighbours_weight;
}

/* --- the questions --- */

static enum status pick_personal(struct selection *selection, const struct past *past, struct arena *arena, struct error *error)
{
    bool is_known = false;
    if (!past->n)
        return STATUS_OK;
    TRY(encoding_score(selection, past, arena, &is_known, error));
    uint32_t n_recent = past->n < NEIGHBOURS_REACH ? past->n : NEIGHBOURS_REACH;
    neighbours_score(selection->app->neighbours, past->items, past->weights, n_recent, selection->others, selection->n_items);
    if (is_known) {
        uint32_t n_known = model_facts(selection->model)->shape.n_items;
        blend_scores(selection->scores, n_known < selection->n_items ? n_known : selection->n_items, selection->others,
                     neighbours_weight(selection), selection->n_items, selection->scores);
        selection_pick(selection, selection->scores, REASON_BEHAVIOUR);
    } else {
        selection_pick_positive(selection, selection->others, REASON_NEIGHBOURS);
    }
    return STATUS_OK;
}

enum status app_recommend(struct app *app, const struct recommend_query *query, struct arena *arena, struct recommendations *out,
                          struct error *error)
{
    struct selection selection;
    struct past past;
    struct recommendations answer = {.seen_seq =
                                         atomic_load(&app->seen_seq)}; /* before the behaviour is read: it holds at least that much */
    TRY(selection_init(&selection, app, query->limit, arena, error));
    selection.kind = query->kind;
    TRY(selection_filter(&selection, query->categories, query->n_categories, arena, error));
    for (size_t i = 0; i < query->n_exclude; i++)
        marks_set(&selection.left_out, names_find(app->names[NAME_ITEM], query->exclude[i])); /* NAMES_NONE is beyond every catalogue */
    TRY(read_past(&selection, query, arena, &past, &answer.degraded, error));
    TRY(pick_personal(&selection, &past, arena, error));
    selection_fill(&selection);
    selection_finish(&selection, &answer);
    *out = answer;
    return STATUS_OK;
}

enum status app_popular(struct app *app, const struct popular_query *query, struct arena *arena, struct recommendations *out,
                        struct error *error)
{
    struct selection selection;
    struct recommendations answer = {.seen_seq = atomic_load(&app->seen_seq)};
    TRY(selection_init(&selection, app, query->limit, arena, error));
    selection.kind = query->kind;
    TRY(selection_filter(&selection, query->categories, query->n_categories, arena, error));
    selection_fill_popular(&selection, query->window);
    selection_finish(&selection, &answer);
    *out = answer;
    return STATUS_OK;
}

/* others = the neighbours of item, 0 elsewhere. */
static enum status score_neighbours(struct selection *selection, uint32_t item, struct arena *arena, struct error *error)
{
    uint32_t max = (uint32_t)selection->app->settings->neighbours_max_row;
    struct neighbour *found = arena_alloc_array(arena, max, sizeof *found);
    if (!found)
        return fail(error, STATUS_NOMEM, "no memory for %u neighbours", max);
    uint32_t n = neighbours_of(selection->app->neighbours, item, max, found);
    for (uint32_t i = 0; i < n; i++)
        if (found[i].item < selection->n_items)
            selection->others[found[i].item] = found[i].similarity;
    return STATUS_OK;
}

enum status app_similar(struct app *app, const char *item_id, uint32_t limit, struct arena *arena, struct recommendations *out,
                        struct error *error)
{
    struct selection selection;
    struct recommendations answer = {.seen_seq = atomic_load(&app->seen_seq)};
    const struct item *item = app_find_item(app, item_id);
    if (!item)
        return fail(error, STATUS_NOT_FOUND, "there is no item %.128s", item_id);
    TRY(selection_init(&selection, app, limit, arena, error));
    marks_set(&selection.left_out, item->number);
    TRY(score_neighbours(&selection, item->number, arena, error));
    uint32_t n_known = selection.model ? model_facts(selection.model)->shape.n_items : 0;
    if (item->number < n_known && n_known <= selection.n_items) {
        model_similar(selection.model, item->number, selection.scores);
        blend_scores(selection.scores, n_known, selection.others, neighbours_weight(&selection), selection.n_items, selection.scores);
        selection_pick(&selection, selection.scores, REASON_BEHAVIOUR);
    } else {
        selection_pick_positive(&selection, selection.others, REASON_NEIGHBOURS);
    }
    selection.is_filtered = item->n_categories > 0; /* from here on only what is of its kind */
    selection.categories = item->categories;
    selection.n_categories = item->n_categories;
    selection_fill(&selection);
    selection_finish(&selection, &answer);
    *out = answer;
    return STATUS_OK;
}

size_t app_scratch_bytes(struct app *app)
{
    size_t n_bytes =
        65536 + (size_t)app->settings->recommend_max_limit * 64 + (size_t)app->settings->neighbours_max_row * sizeof(struct neighbour);
    unsigned slot = app_enter(app);
    const struct model *model = live_get(&app->live);
    size_t n_items = catalogue_count(app->catalogue) + 1024;
    if (model) {
        const struct encoder_shape *shape = &model_facts(model)->shape;
        n_bytes += encoding_scratch_bytes(model) + shape->history * (size_t)32;
        n_items = n_items > shape->n_items ? n_items : shape->n_items;
    }
    app_leave(app, slot);
    return n_bytes + n_items * 2 * sizeof(float) + n_items / 8;
}
