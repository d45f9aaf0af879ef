/* The best weights are a copy, taken whenever the figure rises: a training that goes on must not be able to spoil them. */
#include "core/contender.h"

#include "core/base/clock.h"
#include "core/base/floats.h"
#include "core/encoder_scores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void contender_retire(struct contender *contender)
{
    training_destroy(contender->training);
    contender->training = NULL;
    contender->is_over = true;
}

void contender_give_up(struct contender *contender)
{
    contender_retire(contender);
    free(contender->best_weights);
    contender->best_weights = NULL;
}

void contender_clear(struct contender *contender)
{
    training_destroy(contender->training);
    free(contender->best_weights);
    free(contender->curve);
    *contender = (struct contender){0};
}

static size_t weight_bytes(const struct contender *contender)
{
    return training_encoder(contender->training)->tensors.n_floats * sizeof(float);
}

enum status contender_init(struct contender *contender, const struct training_ground *ground, const struct training_settings *settings)
{
    SCOPED(contender_clear) struct contender made = {.settings = *settings};
    TRY(training_create(ground->sequences, settings, ground->memory, ground->workers, &made.training));
    made.best_weights = aligned_floats(training_encoder(made.training)->tensors.n_floats);
    if (!made.best_weights)
        return STATUS_NOMEM;
    memcpy(made.best_weights, training_weights(made.training), weight_bytes(&made));
    *contender = made;
    made = (struct contender){0};
    return STATUS_OK;
}

void contender_go_on(struct contender *contender, const float *weights, uint32_t n_epochs)
{
    contender->n_falling = n_epochs;
    memcpy(contender->best_weights, weights, weight_bytes(contender));
    training_restart(contender->training, weights, GOING_ON, n_epochs);
}

uint32_t contender_best_epoch(const struct contender *contender)
{
    return contender->path[0] + contender->path[1];
}

static enum status note_point(struct contender *contender, const struct curve_point *point)
{
    if (contender->n_epochs == contender->n_curve) {
        uint32_t n = contender->n_curve ? 2 * contender->n_curve : 32;
        struct curve_point *curve = realloc(contender->curve, n * sizeof *curve);
        if (!curve)
            return STATUS_NOMEM;
        contender->curve = curve;
        contender->n_curve = n;
    }
    contender->curve[contender->n_epochs++] = *point;
    return STATUS_OK;
}

/* Rank the held-out events with the weights as they are now. */
static enum status look(struct contender *contender, const struct training_ground *ground, double *out_ndcg10)
{
    SCOPED(encoder_scores_clear) struct encoder_scores scores = {0};
    struct method_figures figures;
    uint64_t began_ns = clock_monotonic_ns();
    TRY(encoder_scores_init(&scores, training_encoder(contender->training), training_weights(contender->training),
                            &contender->settings.type_weights, workers_count(ground->workers)));
    TRY(evaluate_encoder(ground->dataset, ground->split, &scores.view, ground->workers, &figures));
    contender->seconds += (double)(clock_monotonic_ns() - began_ns) / 1e9;
    contender->flops += encoder_scores_flops(&scores);
    *out_ndcg10 = figures.ndcg10;
    return STATUS_OK;
}

/* Epochs to wait for a better one: with few held-out cases the figure jumps by more than an epoch gains. */
static uint32_t patience_for(const struct contender *contender, uint32_t n_held_out)
{
    uint64_t patience = contender->settings.patience, longer = patience + 10000u / (n_held_out + 1ull);
    return (uint32_t)(longer < 4 * patience ? longer : 4 * patience);
}

static uint32_t epochs_at_most(const struct contender *contender)
{
    return contender->n_falling ? contender->n_falling : contender->settings.epochs;
}

/* The figure has not risen for long: from the best weights on at a lower rate, or the end. */
static void lose_patience(struct contender *contender)
{
    contender->n_waited = 0;
    if (contender->n_drops + 1 < PATH_RATES) {
        contender->n_drops++;
        training_restart(contender->training, contender->best_weights, RATE_DROP, 0);
    } else {
        contender->is_over = true;
    }
}

static void compare(struct contender *contender, const struct training_ground *ground, double ndcg10)
{
    uint32_t patience = patience_for(contender, ground->split->n_held_out);
    contender->n_waited++;
    if (ndcg10 > contender->best_ndcg10 || contender_best_epoch(contender) == 0 || ground->split->n_held_out == 0) {
        memcpy(contender->best_weights, training_weights(contender->training), weight_bytes(contender));
        contender->best_ndcg10 = ndcg10;
        contender->path[contender->n_drops] += contender->n_waited;
        contender->n_waited = 0;
    }
    uint32_t epochs = contender->settings.epochs, at_lower_rate = epochs > 2 && epochs < 5 ? 1 : epochs / 5;
    bool is_late = contender->n_drops == 0 && contender->n_epochs >= epochs - at_lower_rate;
    if (!contender->n_falling && patience > 0 && (contender->n_waited >= patience || is_late))
        lose_patience(contender);
    contender->is_over = contender->is_over || contender->n_epochs >= epochs_at_most(contender);
}

/* One more epoch, noted in the curve but for its figure. */
static enum status train(struct contender *contender, const char *words, const struct progress *progress)
{
    struct epoch_figures figures;
    float rate = training_rate(contender->training);
    TRY(training_epoch(contender->training, epochs_at_most(contender), words, progress, &figures));
    contender->seconds += figures.seconds;
    contender->flops += training_epoch_flops(contender->training);
    contender->n_examples += figures.n_targets;
    return note_point(contender, &(struct curve_point){figures.loss, 0, figures.seconds, rate});
}

enum status contender_run(struct contender *contender, const struct training_ground *ground, uint32_t n_epochs, const char *words,
                          const struct progress *progress)
{
    for (uint32_t i = 0; i < n_epochs && !contender->is_over; i++) {
        char note[96];
        (void)snprintf(note, sizeof note, "%.40s%s", words, contender->n_drops ? " lower rate," : "");
        if (contender->n_epochs && ground->split->n_held_out)
            (void)snprintf(note + strlen(note), sizeof note - strlen(note), " NDCG@10 %.4f (best %.4f),",
                           contender->curve[contender->n_epochs - 1].ndcg10, contender->best_ndcg10);
        TRY(train(contender, note, progress));
        struct curve_point *point = &contender->curve[contender->n_epochs - 1];
        TRY(look(contender, ground, &point->ndcg10));
        compare(contender, ground, point->ndcg10);
    }
    return STATUS_OK;
}

enum status contender_follow(struct contender *contender, const uint32_t path[PATH_RATES], const char *words,
                             const struct progress *progress)
{
    for (unsigned r = 0; r < PATH_RATES; r++) {
        if (r > 0 && path[r] > 0) {
            contender->n_drops = r;
            training_restart(contender->training, training_weights(contender->training), RATE_DROP, 0);
        }
        for (uint32_t i = 0; i < path[r]; i++)
            TRY(train(contender, words, progress));
        contender->path[r] = path[r];
    }
    memcpy(contender->best_weights, training_weights(contender->training), weight_bytes(contender));
    return STATUS_OK;
}
