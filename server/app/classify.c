/* A picture that nobody has seen: its categories, and the items that look like it. */
#include "server/app/selection.h"

#include <stdlib.h>
#include <string.h>

static int compare_classified(const void *left, const void *right)
{
    const struct classified *a = left, *b = right;
    return a->probability != b->probability ? (a->probability > b->probability ? -1 : 1) : strcmp(a->category, b->category);
}

static enum status find_similar(struct app *app, const struct picture_index *index, const float *vector, uint32_t limit,
                                struct arena *arena, struct classification *answer, struct error *error)
{
    struct selection selection;
    TRY(selection_init(&selection, app, limit, arena, error));
    picture_index_score(index, vector, selection.scores, selection.n_items);
    selection_pick(&selection, selection.scores, REASON_CONTENT);
    answer->similar = selection.items;
    answer->n_similar = selection.n;
    return STATUS_OK;
}

enum status app_classify(struct app *app, const struct picture *picture, uint32_t limit, struct arena *arena, struct classification *out,
                         struct error *error)
{
    const struct picture_index *index = picture_live_get(app->pictures);
    if (!index)
        return fail(error, STATUS_CONFLICT,
                    "there is no picture model yet: POST /v1/retrain {\"only\": \"pictures\"}, `inkling retrain --only pictures` or "
                    "`inkling model import` makes one");
    const struct picture_facts *facts = picture_model_facts(picture_index_model(index));
    struct classification answer = {.model_version = facts->version, .n_categories = facts->n_categories};
    float *probabilities = arena_alloc_array(arena, facts->n_categories, sizeof *probabilities);
    float *vector = arena_alloc_array(arena, picture_model_width(picture_index_model(index)), sizeof *vector);
    answer.categories = arena_alloc_array(arena, facts->n_categories, sizeof *answer.categories);
    if (!probabilities || !vector || !answer.categories || picture_index_ask(index, picture, probabilities, vector) != STATUS_OK)
        return fail(error, STATUS_NOMEM, "no memory to look at a picture");
    for (uint32_t c = 0; c < facts->n_categories; c++)
        answer.categories[c] = (struct classified){facts->categories[c], probabilities[c]};
    qsort(answer.categories, facts->n_categories, sizeof *answer.categories, compare_classified);
    TRY(find_similar(app, index, vector, limit, arena, &answer, error));
    *out = answer;
    return STATUS_OK;
}
