/* The three questions that are answered with a list: for a user, popular, similar.
 *
 * What a user did is copied once (newest first) and seen by three: the encoder, which wants it oldest first and knows only the items and
 * types of its training; the neighbours, which know everything; and the negatives, which take from what the other two (or popularity) say.
 */
#include "core/blend.h"
#include "server/app/encoding.h"

static float neighbours_weight(const struct selection *selection)
{
    double configured = selection->app->settings->neighbours_weight;
    return configured >= 0 ? (float)configured : model_facts(selection->model)->neighbours_weight;
}

/* --- the questions --- */

/* The newest events that any of the three looks at. */
static uint32_t reach(const struct selection *selection)
{
    uint32_t history = selection->model ? model_facts(selection->model)->shape.history : 0;
    uint32_t wanted = 2 * history; /* some will be of items that came after the training, which the model cannot read */
    uint32_t others = NEIGHBOURS_REACH > NEGATIVES_REACH ? NEIGHBOURS_REACH : NEGATIVES_REACH;
    return wanted > others ? wanted : others;
}

/* selection's negatives, if the user turned anything down. */
static enum status weigh_negatives(struct selection *selection, const struct past *past, struct arena *arena, struct error *error)
{
    struct negatives *negatives = arena_alloc(arena, sizeof *negatives);
    if (!negatives)
        return fail(error, STATUS_NOMEM, "no memory for what a user turned down");
    negatives_gather(negatives, past->items, past->weights, past->n, past->weak.items, past->weak.weights, past->weak.n);
    if (!negatives->n)
        return STATUS_OK;
    struct item_vectors vectors = {0};
    if (selection->model)
        vectors = model_item_vectors(selection->model);
    size_t n_scores = vectors.n_items > selection->n_items ? vectors.n_items : selection->n_items;
    float *lowering = arena_alloc_array(arena, n_scores + 1, sizeof *lowering);
    float *direction = arena_alloc_array(arena, vectors.width + 16, sizeof *direction);
    if (!lowering || !direction)
        return fail(error, STATUS_NOMEM, "no memory for what a user turned down");
    negatives_lowering(negatives, selection->model ? &vectors : NULL, selection->app->neighbours, selection->n_items, direction, lowering);
    selection->negatives = negatives;
    selection->lowering = lowering;
    return STATUS_OK;
}

static enum status pick_personal(struct selection *selection, const struct past *past, struct arena *arena, struct error *error)
{
    uint32_t n_known = 0;
    if (!past->n)
        return STATUS_OK;
    TRY(encoding_score(selection, past, arena, &n_known, error));
    if (n_known && !selection->is_without_had)
        returns_raise(&model_facts(selection->model)->returns, model_item_vectors(selection->model).kernels, past->items, past->n,
                      selection->scores, n_known);
    uint32_t n_recent = past->n < NEIGHBOURS_REACH ? past->n : NEIGHBOURS_REACH;
    neighbours_score(selection->app->neighbours, past->items, past->weights, n_recent, selection->others, selection->n_items);
    if (n_known) {
        blend_scores(selection->scores, n_known, selection->others, neighbours_weight(selection), selection->n_items, selection->others);
        if (!selection->is_without_had)
            blend_scores(selection->scores, n_known, selection->others, 0, selection->n_items, selection->scores);
        selection_pick_blended(selection, selection->scores, selection->others, REASON_BEHAVIOUR);
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
    TRY(past_read(&selection, query, reach(&selection), arena, &past, &answer.degraded, error));
    TRY(weigh_negatives(&selection, &past, arena, error));
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

/* others = the neighbours of item, 0 elsewhere; *out_n: how many it has. */
static enum status score_neighbours(struct selection *selection, uint32_t item, struct arena *arena, uint32_t *out_n, struct error *error)
{
    uint32_t max = (uint32_t)selection->app->settings->neighbours_max_row;
    struct neighbour *found = arena_alloc_array(arena, max, sizeof *found);
    if (!found)
        return fail(error, STATUS_NOMEM, "no memory for %u neighbours", max);
    uint32_t n = neighbours_of(selection->app->neighbours, item, max, found);
    for (uint32_t i = 0; i < n; i++)
        if (found[i].item < selection->n_items)
            selection->others[found[i].item] = found[i].similarity;
    *out_n = n;
    return STATUS_OK;
}

/* The item's vector in the model's item space [C]; NULL: the model knows nothing of it. */
static const float *find_vector(const struct selection *selection, uint32_t item)
{
    struct item_vectors known = {0};
    if (selection->model)
        known = model_item_vectors(selection->model);
    if (item < known.n_items)
        return known.vectors + (size_t)item * known.width;
    return selection->newcomers ? newcomers_place(selection->newcomers, item) : NULL;
}

/* What stands near vector, blended with the neighbours in others. */
static void pick_near(struct selection *selection, const float vector[], enum reason reason)
{
    model_similar(selection->model, vector, selection->scores);
    if (selection->newcomers)
        newcomers_similar(selection->newcomers, vector, selection->n_items, selection->scores);
    blend_scores(selection->scores, selection_known(selection), selection->others, neighbours_weight(selection), selection->n_items,
                 selection->scores);
    selection_pick(selection, selection->scores, reason);
}

/* What looks like it: for an item of which behaviour says little or nothing. */
static void pick_by_picture(struct selection *selection, uint32_t item)
{
    const struct picture_index *index = picture_live_get(selection->app->pictures);
    const float *vector = index ? picture_index_vector(index, item) : NULL;
    if (!vector)
        return;
    picture_index_score(index, vector, selection->others, selection->n_items);
    selection_pick_positive(selection, selection->others, REASON_CONTENT);
}

/* A newcomer that has no neighbours yet is compared by nothing but its content. */
static enum status pick_similar(struct selection *selection, uint32_t item, struct arena *arena, struct error *error)
{
    uint32_t n_neighbours = 0;
    const float *vector = find_vector(selection, item);
    TRY(score_neighbours(selection, item, arena, &n_neighbours, error));
    if (vector) {
        bool is_new = item >= model_facts(selection->model)->shape.n_items;
        pick_near(selection, vector, is_new && !n_neighbours ? REASON_CONTENT : REASON_BEHAVIOUR);
    } else {
        selection_pick_positive(selection, selection->others, REASON_NEIGHBOURS);
        pick_by_picture(selection, item);
    }
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
    TRY(pick_similar(&selection, item->number, arena, error));
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
    const struct model *model = live_get(&app->live)->model;
    size_t n_items = catalogue_count(app->catalogue) + 1024;
    if (model) {
        const struct encoder_shape *shape = &model_facts(model)->shape;
        n_bytes += encoding_scratch_bytes(model) + shape->history * (size_t)80 + shape->width * sizeof(float);
        n_items = n_items > shape->n_items ? n_items : shape->n_items;
    }
    app_leave(app, slot);
    return n_bytes + n_items * 3 * sizeof(float) + n_items / 4;
}
