/* The encoder wants a past oldest first and knows only the items and types of its training. */
#include "server/app/encoding.h"

/* The model's stand-in for a type that came after its training: its first type of the same feedback. False: it has none. */
static bool find_model_type(const struct selection *selection, uint8_t type, float weight, uint8_t *out_type)
{
    uint32_t n_types = model_facts(selection->model)->shape.n_types;
    if (type < n_types) {
        *out_type = type;
        return true;
    }
    for (uint32_t i = 0; i < n_types && i < EVENT_TYPES_MAX; i++) {
        float candidate = atomic_load(&selection->app->type_weights[i]);
        if (feedback_of(candidate) == feedback_of(weight)) {
            *out_type = (uint8_t)i;
            return true;
        }
    }
    return false;
}

/* The newest events that the model can read, oldest first. Returns how many; they stand at the end of the arrays [max]. */
static uint32_t turn_round(const struct selection *selection, const struct past *past, uint32_t max, uint32_t items[], uint8_t types[])
{
    uint32_t n = 0, n_known = model_facts(selection->model)->shape.n_items;
    for (uint32_t i = 0; i < past->n && n < max; i++) {
        uint8_t type = 0;
        if (past->items[i] >= n_known || !find_model_type(selection, past->types[i], past->weights[i], &type))
            continue;
        n++;
        items[max - n] = past->items[i];
        types[max - n] = type;
    }
    return n;
}

enum status encoding_score(struct selection *selection, const struct past *past, struct arena *arena, bool *out_known, struct error *error)
{
    const struct model *model = selection->model;
    *out_known = false;
    if (!model || !past->n)
        return STATUS_OK;
    const struct encoder_shape *shape = &model_facts(model)->shape;
    uint32_t *items = arena_alloc_array(arena, shape->history, sizeof *items);
    uint8_t *types = arena_alloc_array(arena, shape->history, sizeof *types);
    float *user = arena_alloc_array(arena, shape->width + 16, sizeof *user);
    void *workspace = arena_alloc(arena, model_workspace_bytes(model) + 64);
    if (!items || !types || !user || !workspace)
        return fail(error, STATUS_NOMEM, "no memory for the encoder");
    uint32_t n = turn_round(selection, past, shape->history, items, types), start = shape->history - n;
    if (n && model_encode(model, items + start, types + start, n, workspace, user)) {
        model_score(model, user, selection->scores);
        *out_known = true;
    }
    return STATUS_OK;
}
