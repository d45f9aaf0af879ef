/* A written model as an encoder view: encode the case's history, score all items. Each worker has its own workspace and history.
 * The model's item numbers must be the dataset's: whoever calls has compared the vocabulary. */
#include "core/evaluation.h"

#include <assert.h>
#include <stdlib.h>

struct model_view {
    const struct model *model;
    const struct type_weights *weights;
    uint32_t history;
    size_t workspace_bytes;    /* rounded up to 64 */
    unsigned char *workspaces; /* [workers, workspace_bytes] */
    uint32_t *items;           /* [workers, history] */
    uint8_t *types;
    float *users; /* [workers, width] */
};

static void model_view_clear_scoped(struct model_view *view)
{
    free(view->workspaces);
    free(view->items);
    free(view->types);
    free(view->users);
}

static bool is_input(const struct model_view *view, const struct dataset *dataset, uint64_t event)
{
    const struct encoder_shape *shape = &model_facts(view->model)->shape;
    return feedback_is_behaviour(view->weights->weights[dataset->types[event]]) && dataset->items[event] < shape->n_items &&
           dataset->types[event] < shape->n_types;
}

/* The last events that count and that the model knows, oldest first. Returns how many. */
static uint32_t read_history(const struct model_view *view, const struct dataset *dataset, const struct held_out *held_out,
                             uint32_t items[], uint8_t types[])
{
    uint32_t n = 0;
    uint64_t first = held_out->target;
    for (; first > dataset->starts[held_out->user] && n < view->history; first--)
        n += is_input(view, dataset, first - 1);
    n = 0;
    for (uint64_t i = first; i < held_out->target; i++) {
        if (!is_input(view, dataset, i))
            continue;
        items[n] = dataset->items[i];
        types[n++] = dataset->types[i];
    }
    return n;
}

static void score_cases(void *context, const struct dataset *dataset, const struct held_out cases[], uint32_t n_cases, unsigned worker,
                        float *out_scores, bool out_known[])
{
    const struct model_view *view = context;
    uint32_t *items = view->items + (size_t)worker * view->history;
    uint8_t *types = view->types + (size_t)worker * view->history;
    float *user = view->users + (size_t)worker * model_facts(view->model)->shape.width;
    void *workspace = view->workspaces + worker * view->workspace_bytes;
    for (uint32_t i = 0; i < n_cases; i++) {
        uint32_t n = read_history(view, dataset, &cases[i], items, types);
        out_known[i] = model_encode(view->model, items, types, n, workspace, user);
        if (out_known[i])
            model_score(view->model, user, out_scores + (size_t)i * dataset->n_items);
    }
}

static enum status model_view_init(struct model_view *view, const struct model *model, const struct type_weights *weights,
                                   unsigned n_workers)
{
    const struct encoder_shape *shape = &model_facts(model)->shape;
    view->model = model;
    view->weights = weights;
    view->history = shape->history ? shape->history : 1;
    view->workspace_bytes = (model_workspace_bytes(model) + 64) / 64 * 64;
    view->workspaces = aligned_alloc(64, n_workers * view->workspace_bytes);
    view->items = calloc(n_workers, view->history * sizeof *view->items);
    view->types = calloc(n_workers, view->history * sizeof *view->types);
    view->users = calloc(n_workers, ((size_t)shape->width + 1) * sizeof *view->users);
    return view->workspaces && view->items && view->types && view->users ? STATUS_OK : STATUS_NOMEM;
}

enum status evaluate_model(const struct dataset *dataset, const struct split *split, const struct type_weights *weights,
                           const struct model *model, float weight, uint32_t neighbours_max_row, unsigned n_threads,
                           const struct progress *progress, struct method_figures out_figures[METHODS], struct error *error)
{
    const struct model_facts *facts = model_facts(model);
    if (facts->shape.n_items > dataset->n_items)
        return fail(error, STATUS_INVALID, "the model knows %u items, the data only %u: they do not belong together", facts->shape.n_items,
                    dataset->n_items);
    SCOPED(workers_destroy) struct workers *workers = workers_create(n_threads);
    if (!workers)
        return fail(error, STATUS_NOMEM, "cannot start %u threads", n_threads);
    SCOPED(model_view_clear) struct model_view view = {0};
    if (model_view_init(&view, model, weights, n_threads) != STATUS_OK)
        return fail(error, STATUS_NOMEM, "no memory to evaluate with %u threads", n_threads);
    struct encoder_view encoder = {.score = score_cases, .context = &view, .n_items = facts->shape.n_items};
    enum status status = evaluate_methods(dataset, split, weights, &encoder, weight < 0 ? facts->neighbours_weight : weight,
                                          neighbours_max_row, workers, progress, out_figures, &weight);
    if (status == STATUS_NOMEM)
        return fail(error, STATUS_NOMEM, "no memory to evaluate %u held-out events over %u items", split->n_held_out, dataset->n_items);
    return status == STATUS_OK ? STATUS_OK : fail(error, status, "stopped");
}
