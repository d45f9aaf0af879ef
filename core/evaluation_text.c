/* An evaluation as JSON: what the registry keeps, `inkling evaluate --json` prints and the report page is drawn from. */
#include "core/evaluation.h"
#include "core/model_header.h"

#define DIGITS 6

static double figure_of(const struct method_figures *figures, size_t figure)
{
    return *(const double *)(const void *)((const char *)figures + model_figures[figure].offset);
}

static void emit_bounds(struct emit *emit, const char *name, double low, double high)
{
    emit_open_array(emit, name);
    emit_number(emit, NULL, low, DIGITS);
    emit_number(emit, NULL, high, DIGITS);
    emit_close_array(emit);
}

static void emit_judged(struct emit *emit, const struct judged_method *judged)
{
    for (size_t f = 0; f < FIGURES; f++)
        emit_number(emit, model_figures[f].name, figure_of(&judged->figures, f), DIGITS);
    emit_open_object(emit, "intervals");
    for (size_t f = 0; f < FIGURES; f++)
        emit_bounds(emit, model_figures[f].name, figure_of(&judged->low, f), figure_of(&judged->high, f));
    emit_close_object(emit);
}

static void emit_group(struct emit *emit, const struct evaluation *evaluation, enum case_group group)
{
    emit_open_object(emit, case_group_names[group]);
    emit_integer(emit, "cases", evaluation->groups[group].n_cases);
    emit_open_object(emit, "methods");
    for (int method = 0; method < METHODS; method++) {
        emit_open_object(emit, method_names[method]);
        emit_judged(emit, &evaluation->groups[group].methods[method]);
        emit_close_object(emit);
    }
    emit_close_object(emit);
    emit_close_object(emit);
}

static void emit_lists(struct emit *emit, const struct evaluation *evaluation)
{
    emit_open_object(emit, "lists");
    for (int method = 0; method < METHODS; method++) {
        const struct list_figures *figures = &evaluation->lists[method];
        emit_open_object(emit, method_names[method]);
        emit_number(emit, "coverage10", figures->coverage10, DIGITS);
        emit_number(emit, "coverage20", figures->coverage20, DIGITS);
        emit_number(emit, "gini10", figures->gini10, DIGITS);
        emit_number(emit, "novelty10", figures->novelty10, DIGITS);
        emit_close_object(emit);
    }
    emit_close_object(emit);
}

static void emit_difference(struct emit *emit, const char *name, const struct difference *difference)
{
    emit_open_object(emit, name);
    emit_number(emit, "ndcg10", difference->value, DIGITS);
    emit_bounds(emit, "interval", difference->low, difference->high);
    emit_close_object(emit);
}

static void emit_reliability(struct emit *emit, const char *name, const struct reliability *reliability)
{
    emit_open_object(emit, name);
    emit_integer(emit, "pairs", (int64_t)reliability->n);
    emit_number(emit, "predicted", reliability->predicted, DIGITS);
    emit_number(emit, "observed", reliability->observed, DIGITS);
    emit_number(emit, "expected_error", reliability->expected_error, DIGITS);
    emit_number(emit, "relative_error", reliability->relative_error, DIGITS);
    emit_open_array(emit, "bins");
    for (uint32_t i = 0; i < reliability->n_bins; i++) {
        const struct reliability_bin *bin = &reliability->bins[i];
        emit_open_object(emit, NULL);
        emit_number(emit, "predicted", bin->predicted, DIGITS);
        emit_number(emit, "observed", bin->observed, DIGITS);
        emit_integer(emit, "pairs", (int64_t)bin->n);
        emit_close_object(emit);
    }
    emit_close_array(emit);
    emit_close_object(emit);
}

void evaluation_emit(const struct evaluation *evaluation, const char *name, struct emit *emit)
{
    double share = evaluation->n_held_out_events ? (double)evaluation->n_repeats / (double)evaluation->n_held_out_events : 0;
    emit_open_object(emit, name);
    emit_integer(emit, "cases", evaluation->n_cases);
    emit_integer(emit, "items", evaluation->n_items);
    emit_number(emit, "neighbours_weight", (double)evaluation->neighbours_weight, DIGITS);
    emit_integer(emit, "held_out_events", (int64_t)evaluation->n_held_out_events);
    emit_integer(emit, "repeats", (int64_t)evaluation->n_repeats);
    emit_number(emit, "repeat_share", share, DIGITS);
    emit_integer(emit, "cold_events", COLD_EVENTS);
    emit_integer(emit, "resamples", BOOTSTRAP_RESAMPLES);
    emit_open_object(emit, "groups");
    for (enum case_group group = GROUP_ALL; group < GROUPS; group++)
        emit_group(emit, evaluation, group);
    emit_close_object(emit);
    emit_open_object(emit, "over_neighbours");
    emit_difference(emit, "encoder", &evaluation->encoder_over_neighbours);
    emit_difference(emit, "blend", &evaluation->blend_over_neighbours);
    emit_close_object(emit);
    emit_lists(emit, evaluation);
    emit_open_object(emit, "reliability");
    emit_reliability(emit, "popular", &evaluation->popular_reliability);
    emit_reliability(emit, "encoder", &evaluation->encoder_reliability);
    emit_close_object(emit);
    emit_close_object(emit);
}
