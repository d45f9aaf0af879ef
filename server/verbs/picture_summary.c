/* Everything is read from the report in the model's file: what is printed is what was kept. */
#include "server/verbs/picture_summary.h"

#include "server/app/picture_report.h"

#include <stdio.h>

#define SHOWN         40u /* categories */
#define SHOWN_MIX_UPS 5u

static double share(uint32_t part, uint32_t all)
{
    return all ? (double)part / all : 0;
}

static void print_categories(const struct picture_report *report)
{
    uint32_t shown = report->n_categories < SHOWN ? report->n_categories : SHOWN;
    (void)printf("%-32s %9s %8s %11s\n%-32s %9s %8s %11s\n", "category", "held out", "found", "right of", "", "pictures", "of them",
                 "those named");
    for (uint32_t c = 0; c < shown; c++) {
        const struct picture_category *category = &report->categories[c];
        (void)printf("%-32.32s %9u %8.3f %11.3f\n", category->name, category->n_held_out, share(category->n_right, category->n_held_out),
                     share(category->n_right, category->n_given));
    }
    if (shown < report->n_categories)
        (void)printf("and %u categories more\n", report->n_categories - shown);
}

static void print_mix_ups(const struct picture_report *report)
{
    struct mix_up mix_ups[SHOWN_MIX_UPS];
    uint32_t n = picture_report_mix_ups(report, SHOWN_MIX_UPS, mix_ups);
    for (uint32_t i = 0; i < n; i++)
        (void)printf("%s%s was taken for %s %u times", i ? "; " : "most often ", report->categories[mix_ups[i].category].name,
                     report->categories[mix_ups[i].taken_for].name, mix_ups[i].n);
    (void)printf("%s", n ? "\n" : "");
}

void picture_summary_print(const struct picture_model *model)
{
    SCOPED(picture_report_clear) struct picture_report report = {0};
    const struct picture_facts *facts = picture_model_facts(model);
    (void)printf("%u categories, %u pictures trained on; %.4f of %u held-out pictures named right after %u epochs\n", facts->n_categories,
                 facts->n_pictures, facts->accuracy, facts->n_held_out, facts->epochs);
    if (facts->is_refit)
        (void)printf("trained again on all %u, which the figures know nothing of\n", facts->n_pictures + facts->n_held_out);
    if (picture_report_read(model, &report) != STATUS_OK)
        return;
    if (report.n_left_out)
        (void)printf("%u pictures were left out: no category, or one of too few pictures\n", report.n_left_out);
    print_categories(&report);
    print_mix_ups(&report);
}
