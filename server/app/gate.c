/* Two figures and a comparison; the care is in which cases the figures are of. */
#include "server/app/gate.h"

#include "core/model_header.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double figure_of(const struct method_figures *figures, const char *metric)
{
    for (size_t f = 0; f < FIGURES; f++)
        if (strcmp(model_figures[f].name, metric) == 0)
            return *(const double *)(const void *)((const char *)figures + model_figures[f].offset);
    return 0;
}

/* "ndcg10" as people write it: "NDCG@10". */
static void write_metric(const char *metric, char *out, size_t n_bytes)
{
    size_t n_letters = strcspn(metric, "0123456789");
    (void)snprintf(out, n_bytes, "%.*s@%s", (int)n_letters, metric, metric + n_letters);
    for (char *letter = out; *letter; letter++)
        *letter = (char)toupper((unsigned char)*letter);
}

static bool speaks_of_our_items(const struct gate_question *question)
{
    return model_facts(question->live)->shape.n_types <= question->dataset->n_types &&
           model_knows(question->live, question->item_ids, question->dataset->n_items);
}

/* --- the figures --- */

/* The cases that the live model has not seen: those later than everything it was trained on. */
static enum status unseen_cases(const struct gate_question *question, struct held_out **out_cases, uint32_t *out_n)
{
    const struct split *split = question->split;
    int64_t seen_until_ms = model_facts(question->live)->last_at_ms;
    struct held_out *cases = calloc((size_t)split->n_held_out + 1, sizeof *cases);
    uint32_t n = 0;
    if (!cases)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < split->n_held_out; i++)
        if (question->dataset->at_ms[split->held_out[i].target] > seen_until_ms)
            cases[n++] = split->held_out[i];
    *out_cases = cases;
    *out_n = n;
    return STATUS_OK;
}

static float weight_of(const struct settings *settings, const struct model_facts *facts)
{
    return settings->neighbours_weight < 0 ? facts->neighbours_weight : (float)settings->neighbours_weight;
}

static enum status judge_live(const struct gate_question *question, const struct split *split, struct method_figures out_figures[METHODS],
                              struct error *error)
{
    SCOPED(memory_free) struct evaluation *evaluation = calloc(1, sizeof *evaluation);
    if (!evaluation)
        return fail(error, STATUS_NOMEM, "no memory to judge the live model");
    TRY(evaluate_model(question->dataset, split, question->weights, question->live,
                       weight_of(question->settings, model_facts(question->live)), (uint32_t)question->settings->neighbours_max_row,
                       workers_count(question->workers), question->progress, evaluation, error));
    evaluation_figures(evaluation, out_figures);
    return STATUS_OK;
}

static enum status judge_fresh(const struct gate_question *question, const struct split *split, struct method_figures out_figures[METHODS],
                               struct error *error)
{
    float weight = 0;
    enum status status =
        evaluate_methods(question->dataset, split, question->weights, question->encoder, weight_of(question->settings, question->fresh),
                         (uint32_t)question->settings->neighbours_max_row, question->workers, question->progress, out_figures, &weight);
    if (status == STATUS_OK)
        return STATUS_OK;
    return fail(error, status, status == STATUS_CONFLICT ? "stopped" : "no memory to judge the new model");
}

/* Both on the same cases. */
static enum status judge_both(const struct gate_question *question, struct held_out *cases, uint32_t n_cases, struct verdict *verdict,
                              struct error *error)
{
    struct method_figures fresh[METHODS], live[METHODS];
    struct split unseen = *question->split;
    unseen.held_out = cases;
    unseen.n_held_out = n_cases;
    TRY(judge_fresh(question, &unseen, fresh, error));
    TRY(judge_live(question, &unseen, live, error));
    verdict->fresh = figure_of(&fresh[METHOD_BLEND], verdict->metric);
    verdict->live = figure_of(&live[METHOD_BLEND], verdict->metric);
    verdict->n_cases = n_cases;
    return STATUS_OK;
}

/* --- the verdict --- */

static struct verdict pass(const char *reason)
{
    return verdict_of(VERDICT_LIVE, reason);
}

static void decide(const struct gate_question *question, struct verdict *verdict)
{
    char metric[24], cases[64] = "on the held-out events of their own trainings";
    double needed = verdict->live * (1 - verdict->margin);
    bool is_rejected = verdict->fresh < needed;
    write_metric(verdict->metric, metric, sizeof metric);
    if (verdict->n_cases)
        (void)snprintf(cases, sizeof cases, "on %u events that neither has seen", verdict->n_cases);
    verdict->state = is_rejected && !question->force ? VERDICT_REJECTED : VERDICT_LIVE;
    (void)snprintf(verdict->reason, sizeof verdict->reason, "%s %.4f, the live model %s %.4f, %s; at least %.4f was asked for%s", metric,
                   verdict->fresh, verdict->live_version, verdict->live, cases, needed,
                   is_rejected && question->force ? ", and waived by force" : "");
}

enum status gate_judge(const struct gate_question *question, struct verdict *out_verdict, struct error *error)
{
    if (!question->live) {
        *out_verdict = pass("there was no live model to compare with");
        return STATUS_OK;
    }
    if (!speaks_of_our_items(question)) {
        *out_verdict = pass("not compared: the live model does not know this store's items");
        return STATUS_OK;
    }
    const struct model_facts *live = model_facts(question->live);
    struct verdict verdict = {.margin = question->settings->gate_margin};
    SCOPED(memory_free) struct held_out *cases = NULL;
    uint32_t n_cases = 0;
    (void)snprintf(verdict.metric, sizeof verdict.metric, "%s", question->settings->gate_metric);
    memcpy(verdict.live_version, live->version, sizeof verdict.live_version);
    if (unseen_cases(question, &cases, &n_cases) != STATUS_OK)
        return fail(error, STATUS_NOMEM, "no memory to judge the new model");
    if (n_cases >= GATE_CASES_LEAST) {
        TRY(judge_both(question, cases, n_cases, &verdict, error));
    } else if (strcmp(live->split, question->fresh->split) == 0) {
        verdict.fresh = figure_of(&question->fresh->figures[METHOD_BLEND], verdict.metric);
        verdict.live = figure_of(&live->figures[METHOD_BLEND], verdict.metric);
    } else {
        *out_verdict = pass("not compared: the live model was judged by another split, and there are too few events since");
        return STATUS_OK;
    }
    decide(question, &verdict);
    *out_verdict = verdict;
    return STATUS_OK;
}
