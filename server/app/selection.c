/* Filtering is asked only for items that would enter (core/top_k), so a filter costs little however many items there are. */
#include "server/app/selection.h"

#include "core/base/clock.h"

#include <math.h>
#include <sodium.h>

const char *const reason_names[] = {"behaviour", "neighbours", "content", "popular"};

enum status selection_init(struct selection *selection, struct app *app, uint32_t limit, struct arena *arena, struct error *error)
{
    /* The model first: it never knows more items than a catalogue that is read later; but sizes do not rely on that. */
    const struct live_model *live = live_get(&app->live);
    const struct model *model = live->model;
    uint32_t n_items = catalogue_count(app->catalogue), n_known = model ? model_facts(model)->shape.n_items : 0;
    uint32_t n_scores = n_known > n_items ? n_known : n_items;
    *selection = (struct selection){.app = app,
                                    .kind = KIND_ANY,
                                    .model = model,
                                    .newcomers = live->newcomers,
                                    .n_items = n_items,
                                    .limit = limit,
                                    .now_ms = clock_now_ms()};
    selection->left_out = (struct marks){.words = arena_alloc_array(arena, n_items / 64 + 1, sizeof(uint64_t)), .n_items = n_items};
    selection->scores = arena_alloc_array(arena, n_scores + 1, sizeof(float));
    selection->others = arena_alloc_array(arena, n_scores + 1, sizeof(float));
    selection->had = (struct marks){.words = arena_alloc_array(arena, n_items / 64 + 1, sizeof(uint64_t)), .n_items = n_items};
    selection->best = arena_alloc_array(arena, limit, sizeof *selection->best);
    selection->places = arena_alloc_array(arena, limit, sizeof *selection->places);
    selection->items = arena_alloc_array(arena, limit, sizeof *selection->items);
    if (!selection->left_out.words || !selection->had.words || !selection->scores || !selection->others || !selection->best ||
        !selection->places || !selection->items)
        return fail(error, STATUS_NOMEM, "no memory for an answer over %u items", n_items);
    return STATUS_OK;
}

uint32_t selection_known(const struct selection *selection)
{
    uint32_t n_known = selection->model ? model_facts(selection->model)->shape.n_items : 0;
    return n_known < selection->n_items && !selection->newcomers ? n_known : selection->n_items;
}

enum status selection_filter(struct selection *selection, const char *const names[], size_t n, struct arena *arena, struct error *error)
{
    if (!n)
        return STATUS_OK;
    uint32_t *numbers = arena_alloc_array(arena, n, sizeof *numbers);
    if (!numbers)
        return fail(error, STATUS_NOMEM, "no memory for %zu categories", n);
    selection->is_filtered = true;
    selection->categories = numbers;
    for (size_t i = 0; i < n; i++) {
        uint32_t number = names_find(catalogue_categories(selection->app->catalogue), names[i]);
        if (number != NAMES_NONE)
            numbers[selection->n_categories++] = number;
    }
    return STATUS_OK;
}

static bool has_category(const struct selection *selection, const struct item *item)
{
    for (uint32_t i = 0; i < item->n_categories; i++)
        for (size_t k = 0; k < selection->n_categories; k++)
            if (item->categories[i] == selection->categories[k])
                return true;
    return false;
}

static bool is_eligible(void *context, uint32_t number)
{
    const struct selection *selection = context;
    if (marks_get(&selection->left_out, number) || (selection->is_without_had && marks_get(&selection->had, number)))
        return false;
    const struct item *item = catalogue_item(selection->app->catalogue, number);
    if (!item || item->row.deleted || item->row.hidden)
        return false;
    if (item->row.expires_at_ms != INT64_MIN && item->row.expires_at_ms <= selection->now_ms)
        return false;
    if (selection->kind != KIND_ANY && (int)item->row.kind != selection->kind)
        return false;
    return !selection->is_filtered || has_category(selection, item);
}

static size_t find_best(struct selection *selection, const float scores[], struct scored out_best[])
{
    return top_k(scores, selection->n_items, selection->limit - selection->n, is_eligible, selection, out_best);
}

static void take(struct selection *selection, uint32_t item, float score, enum reason reason)
{
    marks_set(&selection->left_out, item);
    selection->items[selection->n++] = (struct recommended){.item = item, .score = score, .reason = reason};
}

static void pick(struct selection *selection, const float scores[], enum reason reason)
{
    size_t n = find_best(selection, scores, selection->best);
    for (size_t i = 0; i < n; i++)
        take(selection, selection->best[i].item, selection->best[i].score, reason);
}

static void lower(const struct selection *selection, struct score_scale scale, float scores[])
{
    if (selection->negatives)
        negatives_lower(selection->negatives, selection->lowering, scale, scores, selection->n_items);
}

static struct score_scale scale_of(const struct selection *selection, const float scores[])
{
    return selection->negatives ? negatives_scale(scores, selection->n_items) : (struct score_scale){0};
}

void selection_pick(struct selection *selection, float scores[], enum reason reason)
{
    lower(selection, scale_of(selection, scores), scores);
    pick(selection, scores, reason);
}

void selection_pick_blended(struct selection *selection, float encoder[], float blended[], enum reason reason)
{
    lower(selection, scale_of(selection, blended), blended);
    if (selection->is_without_had) {
        pick(selection, blended, reason);
        return;
    }
    lower(selection, scale_of(selection, encoder), encoder);
    size_t n = find_best(selection, encoder, selection->places), n_taken = 0;
    selection->is_without_had = true;
    size_t n_fresh = find_best(selection, blended, selection->best);
    selection->is_without_had = false;
    for (size_t i = 0; i < n; i++) { /* as many fresh ones are eligible as stand among the places, so none is wanting */
        bool is_fresh = !marks_get(&selection->had, selection->places[i].item) && n_taken < n_fresh;
        uint32_t item = is_fresh ? selection->best[n_taken++].item : selection->places[i].item;
        take(selection, item, selection->places[i].score, reason);
    }
}

void selection_pick_positive(struct selection *selection, float scores[], enum reason reason)
{
    struct score_scale scale = scale_of(selection, scores);
    for (uint32_t i = 0; i < selection->n_items; i++)
        scores[i] = scores[i] > 0 ? scores[i] : -INFINITY; /* without a branch: what is zero is not predictable */
    lower(selection, scale, scores);
    pick(selection, scores, reason);
}

void selection_fill_popular(struct selection *selection, enum window window)
{
    for (; window < WINDOWS && selection->n < selection->limit; window++) {
        popularity_score(selection->app->popularity, window, selection->others, selection->n_items);
        selection_pick_positive(selection, selection->others, REASON_POPULAR);
    }
}

void selection_fill(struct selection *selection)
{
    selection_fill_popular(selection, WINDOW_MONTH);
    if (selection->n == selection->limit)
        return;
    for (uint32_t i = 0; i < selection->n_items; i++)
        selection->others[i] = 0; /* nobody touched what is left: in the order in which it came */
    selection_pick(selection, selection->others, REASON_POPULAR);
}

static void random_id(char out_id[33])
{
    unsigned char bytes[16];
    randombytes_buf(bytes, sizeof bytes);
    (void)sodium_bin2hex(out_id, 33, bytes, sizeof bytes);
}

void selection_finish(struct selection *selection, struct recommendations *out)
{
    random_id(out->recommendation_id);
    out->model_version = selection->model ? model_facts(selection->model)->version : NULL;
    out->items = selection->items;
    out->n_items = selection->n;
    size_t answer = selection->n ? (size_t)selection->items[0].reason : ANSWERS - 1;
    atomic_fetch_add_explicit(&selection->app->figures.answers[answer], 1, memory_order_relaxed);
    if (out->degraded)
        atomic_fetch_add_explicit(&selection->app->figures.answers_degraded, 1, memory_order_relaxed);
}
