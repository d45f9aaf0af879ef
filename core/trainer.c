/* The run: epochs until the held-out figure stops rising, the best weights back in place, all methods judged, the file written. */
#include "core/trainer.h"

#include "core/encoder_scores.h"
#include "core/model_file.h"
#include "core/training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct training_settings training_settings_default(void)
{
    struct training_settings settings = {
        .shape = {.width = 64, .taps = 16, .n_blocks = 2, .history = 50, .temperature = 0},
        .epochs = 60,
        .patience = 6,
        .batch_rows = 3072,
        .learning_rate = 1e-3f,
        .dropout = 0.5f,
        .seed = 1,
        .n_threads = 1,
        .neighbours_max_row = 1000,
    };
    for (unsigned i = 0; i < EVENT_TYPES_MAX; i++)
        settings.type_weights.weights[i] = 1;
    return settings;
}

static enum status check_settings(const struct training_settings *settings, const struct dataset *dataset, struct error *error)
{
    struct encoder_shape shape = settings->shape;
    shape.n_items = dataset->n_items;
    shape.n_types = dataset->n_types;
    if (dataset->n_items == 0 || dataset->n_types == 0)
        return fail(error, STATUS_INVALID, "too little to learn from: there are no items and no events");
    if (!shape_is_sane(&shape))
        return fail(error, STATUS_INVALID,
                    "no such network: width %u (1 to %u), taps %u (1 to %u), blocks %u (at most %d), history %u (1 to %u), temperature %g, "
                    "items %u (at most %u), types %u (at most %d)",
                    shape.width, WIDTH_MAX, shape.taps, TAPS_MAX, shape.n_blocks, BLOCKS_MAX, shape.history, HISTORY_MAX,
                    (double)shape.temperature, shape.n_items, ITEMS_MAX, shape.n_types, EVENT_TYPES_MAX);
    if (!(settings->dropout >= 0 && settings->dropout < 0.99f))
        return fail(error, STATUS_INVALID, "dropout is %g, expected 0 to below .99", (double)settings->dropout);
    if (!(settings->learning_rate > 0 && settings->learning_rate < 1))
        return fail(error, STATUS_INVALID, "the learning rate is %g, expected a number between 0 and 1", (double)settings->learning_rate);
    if (settings->epochs == 0 || settings->epochs > 100000 || settings->batch_rows == 0 || settings->batch_rows > (1u << 20) ||
        settings->n_threads == 0)
        return fail(error, STATUS_INVALID, "epochs %u (1 to 100000), rows a batch %u (1 to 1048576), threads %u (1 or more)",
                    settings->epochs, settings->batch_rows, settings->n_threads);
    return STATUS_OK;
}

/* The best weights so far, and how good they are. */
struct best {
    float *weights;
    double ndcg10;
    uint32_t epoch;
};

/* Epochs to wait for a better one: with few held-out cases the figure jumps by more than an epoch gains. */
static uint32_t patience_for(const struct training_settings *settings, uint32_t n_held_out)
{
    uint64_t longer = settings->patience + 10000u / (n_held_out + 1ull);
    return (uint32_t)(longer < 4ull * settings->patience ? longer : 4ull * settings->patience);
}

/* Train until patience is over. Without held-out cases there is nothing to choose by: all epochs, and the last one is the best. */
static enum status run_epochs(struct training *training, struct encoder_scores *scores, const struct dataset *dataset,
                              const struct split *split, const struct training_settings *settings, struct workers *workers,
                              const struct progress *progress, struct best *best)
{
    size_t n_bytes = training_encoder(training)->tensors.n_floats * sizeof *best->weights;
    uint32_t patience = patience_for(settings, split->n_held_out);
    for (uint32_t epoch = 1; epoch <= settings->epochs; epoch++) {
        double loss = 0;
        struct method_figures figures;
        TRY(training_epoch(training, epoch, progress, &loss));
        encoder_scores_refresh(scores);
        TRY(evaluate_encoder(dataset, split, &scores->view, workers, &figures));
        if (best->epoch == 0 || figures.ndcg10 > best->ndcg10 || split->n_held_out == 0) {
            *best = (struct best){.weights = best->weights, .ndcg10 = figures.ndcg10, .epoch = epoch};
            memcpy(best->weights, training_weights(training), n_bytes);
        }
        char note[64];
        (void)snprintf(note, sizeof note, "NDCG@10 %.4f (best %.4f), ", figures.ndcg10, best->ndcg10);
        training_set_note(training, split->n_held_out ? note : "");
        if (epoch - best->epoch >= patience && patience > 0)
            break;
    }
    memcpy(training_weights(training), best->weights, n_bytes);
    return STATUS_OK;
}

static struct model_facts describe(const struct training *training, const struct dataset *dataset, const struct split *split,
                                   const struct training_settings *settings, const struct best *best)
{
    return (struct model_facts){
        .shape = training_encoder(training)->shape,
        .seed = settings->seed,
        .epochs = best->epoch,
        .n_events = training_sequences(training)->n_events,
        .n_users = training_sequences(training)->n_sequences,
        .n_held_out = split->n_held_out,
        .first_at_ms = dataset->first_at_ms,
        .last_at_ms = dataset->last_at_ms,
        .split = split->kind == SPLIT_LAST ? "last" : "time",
        .code_version = CODE_VERSION,
    };
}

static enum status run(const struct dataset *dataset, const struct split *split, const char *const item_ids[],
                       const struct training_settings *settings, struct workers *workers, const char *directory,
                       const struct progress *progress, char out_version[MODEL_VERSION_BYTES], struct error *error)
{
    SCOPED(training_destroy) struct training *training = NULL;
    TRY(training_create(dataset, split, settings, workers, &training, error));
    const struct encoder *encoder = training_encoder(training);
    SCOPED(encoder_scores_clear) struct encoder_scores scores = {0};
    TRY(encoder_scores_init(&scores, encoder, training_weights(training), &settings->type_weights, workers_count(workers)));
    SCOPED(memory_free) float *best_weights = malloc(encoder->tensors.n_floats * sizeof *best_weights);
    if (!best_weights)
        return STATUS_NOMEM;
    struct best best = {.weights = best_weights};
    TRY(run_epochs(training, &scores, dataset, split, settings, workers, progress, &best));
    encoder_scores_refresh(&scores);
    struct model_facts facts = describe(training, dataset, split, settings, &best);
    TRY(evaluate_methods(dataset, split, &settings->type_weights, &scores.view, -1, settings->neighbours_max_row, workers, progress,
                         facts.figures, &facts.neighbours_weight));
    return model_file_write(directory, &facts, settings, &encoder->tensors, training_weights(training), item_ids, out_version, error);
}

enum status trainer_run(const struct dataset *dataset, const struct split *split, const char *const item_ids[],
                        const struct training_settings *settings, const char *directory, const struct progress *progress,
                        char out_version[MODEL_VERSION_BYTES], struct error *error)
{
    TRY(check_settings(settings, dataset, error));
    TRY(kernels_check(error));
    SCOPED(workers_destroy) struct workers *workers = workers_create(settings->n_threads);
    if (!workers)
        return fail(error, STATUS_NOMEM, "cannot start %u threads", settings->n_threads);
    struct error reason = {.detail = ""};
    enum status status = run(dataset, split, item_ids, settings, workers, directory, progress, out_version, &reason);
    if (status == STATUS_OK)
        return STATUS_OK;
    const char *words = reason.detail[0] ? reason.detail : status == STATUS_CONFLICT ? "training was asked to stop" : "no memory to train";
    return fail(error, status, "%s", words);
}
