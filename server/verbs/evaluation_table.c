/* The evaluation on a terminal of 80 columns: first the figures, then how certain they are, then what they do not show. */
#include "server/verbs/evaluation_table.h"

#include <stdio.h>

static void print_head(const struct evaluation_report *report)
{
    const struct evaluation *evaluation = &report->evaluation;
    (void)printf("model %s, %s:\n%u held-out events of %llu events, %u users, %u items\n", report->model_version,
                 report->split == SPLIT_LAST ? "the last event of every user held out" : "the newest events held out",
                 evaluation->n_cases, (unsigned long long)report->n_events, report->n_users, evaluation->n_items);
    if (evaluation->n_cases == 0)
        (void)printf("Nothing is held out by this split: the zeros below say nothing.\n");
    if (report->refit_version[0])
        (void)printf("%s was made from this model and trained on everything, the held-out events included:\n"
                     "that it answers better is likely, but cannot be judged.\n",
                     report->refit_version);
    if (report->is_refit)
        (void)printf("This model was trained on the held-out events too, and the model that it was made from is not\n"
                     "there: encoder and blend look better than they are.\n");
    if (!report->is_model_split)
        (void)printf("The model was trained with the other split and has seen some of these events:\n"
                     "encoder and blend look better than they are.\n");
}

static void print_figures(const struct evaluation *evaluation)
{
    (void)printf("\n%-10s  %6s %6s %6s  %6s %7s %7s  %6s %6s %6s\n", "", "HR@5", "HR@10", "HR@20", "NDCG@5", "NDCG@10", "NDCG@20", "MRR@5",
                 "MRR@10", "MRR@20");
    for (int method = 0; method < METHODS; method++) {
        const struct method_figures *row = &evaluation->groups[GROUP_ALL].methods[method].figures;
        (void)printf("%-10s  %6.4f %6.4f %6.4f  %6.4f %7.4f %7.4f  %6.4f %6.4f %6.4f\n", method_names[method], row->hr5, row->hr10,
                     row->hr20, row->ndcg5, row->ndcg10, row->ndcg20, row->mrr5, row->mrr10, row->mrr20);
    }
}

static void print_difference(const char *method, const struct difference *difference)
{
    const char *words = difference->low > 0 ? "better" : difference->high < 0 ? "worse" : "these events cannot tell";
    (void)printf("%-8s - neighbours, NDCG@10: %+.4f  (%+.4f to %+.4f), %s\n", method, difference->value, difference->low, difference->high,
                 words);
}

static void print_intervals(const struct evaluation *evaluation)
{
    (void)printf("\nWith 95 %% intervals (%d resamples of the held-out events):\n%-10s  %-30s  %s\n", BOOTSTRAP_RESAMPLES, "", "HR@10",
                 "NDCG@10");
    for (int method = 0; method < METHODS; method++) {
        const struct judged_method *judged = &evaluation->groups[GROUP_ALL].methods[method];
        (void)printf("%-10s  %.4f  (%.4f to %.4f)      %.4f  (%.4f to %.4f)\n", method_names[method], judged->figures.hr10,
                     judged->low.hr10, judged->high.hr10, judged->figures.ndcg10, judged->low.ndcg10, judged->high.ndcg10);
    }
    if (evaluation->has_encoder) {
        print_difference("encoder", &evaluation->encoder_over_neighbours);
        print_difference("blend", &evaluation->blend_over_neighbours);
    }
}

static void print_cold(const struct evaluation *evaluation)
{
    const struct judged_group *users = &evaluation->groups[GROUP_COLD_USERS], *items = &evaluation->groups[GROUP_COLD_ITEMS];
    (void)printf("\nNDCG@10 where little is known (at most %d training events):\n%-10s  cold users: %-17u cold items: %u events\n",
                 COLD_EVENTS, "", users->n_cases, items->n_cases);
    for (int method = 0; method < METHODS; method++) {
        const struct judged_method *user = &users->methods[method], *item = &items->methods[method];
        (void)printf("%-10s  %.4f  (%.4f to %.4f)      %.4f  (%.4f to %.4f)\n", method_names[method], user->figures.ndcg10,
                     user->low.ndcg10, user->high.ndcg10, item->figures.ndcg10, item->low.ndcg10, item->high.ndcg10);
    }
}

static void print_lists(const struct evaluation *evaluation)
{
    (void)printf("\nWhat is shown:\n%-10s  %11s %11s  %7s  %10s\n", "", "coverage@10", "coverage@20", "Gini@10", "novelty@10");
    for (int method = 0; method < METHODS; method++) {
        const struct list_figures *row = &evaluation->lists[method];
        (void)printf("%-10s  %9.1f %% %9.1f %%  %7.3f  %5.1f bits\n", method_names[method], 100 * row->coverage10, 100 * row->coverage20,
                     row->gini10, row->novelty10);
    }
}

static void print_rest(const struct evaluation *evaluation)
{
    const struct reliability *reliability = &evaluation->encoder_reliability;
    (void)printf("\nThe blend counts the neighbours with weight %g.\n", (double)evaluation->neighbours_weight);
    if (reliability->n > 0)
        (void)printf("The encoder's probabilities of its first 20 items: %.3f %% on average, %.3f %% came\n"
                     "true; off by %.0f %% where it is taken by bins.\n",
                     100 * reliability->predicted, 100 * reliability->observed, 100 * reliability->relative_error);
    if (evaluation->n_held_out_events > 0)
        (void)printf("Repeats: %.1f %% of the %llu events behind the training part go back to an item that the\n"
                     "user had. They are not judged: what was seen is left out of answers.\n",
                     100.0 * (double)evaluation->n_repeats / (double)evaluation->n_held_out_events,
                     (unsigned long long)evaluation->n_held_out_events);
}

void evaluation_table_print(const struct evaluation_report *report)
{
    print_head(report);
    print_figures(&report->evaluation);
    print_intervals(&report->evaluation);
    print_cold(&report->evaluation);
    print_lists(&report->evaluation);
    print_rest(&report->evaluation);
}
