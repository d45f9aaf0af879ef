/* A written model is judged as a network in training is: many cases at once by matrix products, which an answer to one request cannot do.
 * The model's item numbers must be the dataset's: whoever calls has compared the vocabulary. */
#include "core/encoder_scores.h"
#include "core/model_network.h"

static enum status check(const struct model *model, const struct dataset *dataset, struct error *error)
{
    const struct encoder_shape *shape = &model_facts(model)->shape;
    if (shape->n_items > dataset->n_items)
        return fail(error, STATUS_INVALID, "the model knows %u items, the data only %u: they do not belong together", shape->n_items,
                    dataset->n_items);
    return kernels_check(error);
}

static enum status evaluate(const struct dataset *dataset, const struct split *split, const struct type_weights *weights,
                            const struct model *model, float weight, uint32_t neighbours_max_row, struct workers *workers,
                            const struct progress *progress, struct evaluation *out_evaluation)
{
    SCOPED(encoder_scores_clear) struct encoder_scores scores = {0};
    TRY(encoder_scores_init(&scores, model_encoder(model), model_weights(model), weights, workers_count(workers)));
    return evaluate_in_full(dataset, split, weights, &scores.view, weight < 0 ? model_facts(model)->neighbours_weight : weight,
                            neighbours_max_row, workers, progress, out_evaluation);
}

enum status evaluate_model(const struct dataset *dataset, const struct split *split, const struct type_weights *weights,
                           const struct model *model, float weight, uint32_t neighbours_max_row, unsigned n_threads,
                           const struct progress *progress, struct evaluation *out_evaluation, struct error *error)
{
    TRY(check(model, dataset, error));
    SCOPED(workers_destroy) struct workers *workers = workers_create(n_threads);
    if (!workers)
        return fail(error, STATUS_NOMEM, "cannot start %u threads", n_threads);
    enum status status = evaluate(dataset, split, weights, model, weight, neighbours_max_row, workers, progress, out_evaluation);
    if (status == STATUS_NOMEM)
        return fail(error, STATUS_NOMEM, "no memory to evaluate %u held-out events over %u items", split->n_held_out, dataset->n_items);
    return status == STATUS_OK ? STATUS_OK : fail(error, status, "stopped");
}
