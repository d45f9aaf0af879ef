/* The page tells before it shows: every heading is a sentence made from the figures below it, so who reads only headings has read the
 * report. Everything that is a number comes from core/evaluation.h, everything that is a text goes through html_append_text. */
#include "server/app/evaluation_page.h"

#include "server/app/evaluation_sections.h"
#include "server/app/html_text.h"
#include "server/app/page_file.h"
#include "server/app/page_style.h"
#include "server/app/svg_chart.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define PAGE_MAX_BYTES (16u << 20)
#define FEW_CASES      100u

/* A figure of struct method_figures. */
struct column {
    const char *name;
    size_t offset;
};

static const struct column columns[] = {
    {"HR@5", offsetof(struct method_figures, hr5)},       {"HR@10", offsetof(struct method_figures, hr10)},
    {"HR@20", offsetof(struct method_figures, hr20)},     {"NDCG@5", offsetof(struct method_figures, ndcg5)},
    {"NDCG@10", offsetof(struct method_figures, ndcg10)}, {"NDCG@20", offsetof(struct method_figures, ndcg20)},
    {"MRR@5", offsetof(struct method_figures, mrr5)},     {"MRR@10", offsetof(struct method_figures, mrr10)},
    {"MRR@20", offsetof(struct method_figures, mrr20)},
};
#define COLUMNS (sizeof columns / sizeof columns[0])
enum { COLUMN_HR10 = 1, COLUMN_NDCG10 = 4, COLUMN_MRR10 = 7 };

static double value_of(const struct method_figures *figures, size_t column)
{
    return *(const double *)(const void *)((const char *)figures + columns[column].offset);
}

static int n_methods(const struct evaluation *evaluation)
{
    return evaluation->has_encoder ? METHODS : METHOD_ENCODER;
}

/* Bars of one figure for all methods over one group of cases. */
static void append_method_bars(const struct evaluation *evaluation, enum case_group group, size_t column, const char *axis_title,
                               struct buffer *out)
{
    struct bar bars[METHODS];
    for (int method = 0; method < n_methods(evaluation); method++) {
        const struct judged_method *judged = &evaluation->groups[group].methods[method];
        bars[method] = (struct bar){.label = method_names[method],
                                    .css_class = method_names[method],
                                    .value = value_of(&judged->figures, column),
                                    .low = value_of(&judged->low, column),
                                    .high = value_of(&judged->high, column)};
    }
    bars_append(out, axis_title, axis_title, bars, (size_t)n_methods(evaluation), 1, 4, false);
}

static void append_card(const struct evaluation *evaluation, enum case_group group, size_t column, const char *heading,
                        const char *axis_title, struct buffer *out)
{
    buffer_append_format(out, "<div class=\"card\"><h3>%s</h3>\n", heading);
    append_method_bars(evaluation, group, column, axis_title, out);
    buffer_append_text(out, "</div>\n");
}

static void append_notes(const struct evaluation_report *report, struct buffer *out)
{
    if (report->evaluation.n_cases == 0)
        buffer_append_text(out, "<p class=\"note\">Nothing is held out by this split: the zeros below say nothing.</p>\n");
    if (report->refit_version[0]) {
        buffer_append_text(out, "<p class=\"note\">Model ");
        html_append_text(out, report->refit_version);
        buffer_append_text(out,
                           " was made from this one and trained on everything, the held-out events included: it has seen the answers, so "
                           "the model that it was made from is judged.</p>\n");
    }
    if (report->is_refit)
        buffer_append_text(out,
                           "<p class=\"note\">This model was trained on the held-out events too, and the model that it was made from is "
                           "not there: encoder and blend look better than they are.</p>\n");
    if (!report->is_model_split)
        buffer_append_text(out,
                           "<p class=\"note\">The model was trained with the other split and has seen some of these events: encoder and "
                           "blend look better than they are.</p>\n");
}

/* 22363 as 22 363. */
static void append_count(uint64_t count, struct buffer *out)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            buffer_append_text(out, "&#8239;");
        buffer_append(out, digits + i, 1);
    }
}

static void section_head(const struct evaluation_report *report, struct buffer *out)
{
    const struct evaluation *evaluation = &report->evaluation;
    enum method best = evaluation->has_encoder ? METHOD_BLEND : METHOD_NEIGHBOURS;
    buffer_append_format(out, "<h1>The %s puts the next item among its first ten in %.1f&nbsp;%% of ", method_names[best],
                         100 * evaluation->groups[GROUP_ALL].methods[best].figures.hr10);
    append_count(evaluation->n_cases, out);
    buffer_append_text(out, " held-out events</h1>\n");
    buffer_append_text(out, "<p class=\"soft lead\">Model ");
    html_append_text(out, report->model_version);
    buffer_append_format(out, " · %s · ",
                         report->split == SPLIT_LAST ? "the last event of every user held out"
                                                     : "the newest events held out");
    append_count(report->n_events, out);
    buffer_append_text(out, " events, ");
    append_count(report->n_users, out);
    buffer_append_text(out, " users, ");
    append_count(evaluation->n_items, out);
    buffer_append_text(out, " items</p>\n");
    append_notes(report, out);
    buffer_append_text(out, "<p>For every held-out event all items are ranked from what the user did before it; what the user had is left "
                            "out. Bars show the figure, the line on them the range that holds it in 95&nbsp;% of resamples of the events "
                            "(bootstrap).</p>\n<div class=\"row\">\n");
    append_card(evaluation, GROUP_ALL, COLUMN_NDCG10, "A place near the top counts more", "NDCG@10", out);
    append_card(evaluation, GROUP_ALL, COLUMN_HR10, "Among the first ten at all", "HR@10 (share of held-out events)", out);
    buffer_append_text(out, "</div>\n");
}

static void append_figure_cell(double value, double low, double high, struct buffer *out)
{
    buffer_append_format(out, "<td>%.4f<small>%.4f–%.4f</small></td>", value, low, high);
}

static void section_figures(const struct evaluation *evaluation, struct buffer *out)
{
    buffer_append_text(
        out, "<h2>All figures, with their 95&nbsp;% intervals</h2>\n<div class=\"wide\"><table class=\"dense\"><thead><tr><th></th>");
    for (size_t column = 0; column < COLUMNS; column++)
        buffer_append_format(out, "<th>%s</th>", columns[column].name);
    buffer_append_text(out, "</tr></thead><tbody>\n");
    for (int method = 0; method < n_methods(evaluation); method++) {
        const struct judged_method *judged = &evaluation->groups[GROUP_ALL].methods[method];
        buffer_append_format(out, "<tr class=\"%s\"><th>%s</th>", method_names[method], method_names[method]);
        for (size_t column = 0; column < COLUMNS; column++)
            append_figure_cell(value_of(&judged->figures, column), value_of(&judged->low, column), value_of(&judged->high, column), out);
        buffer_append_text(out, "</tr>\n");
    }
    buffer_append_text(out, "</tbody></table></div>\n");
}

static const char *verdict_words(const struct difference *difference)
{
    return difference->low > 0    ? "ranks better than the neighbours alone"
           : difference->high < 0 ? "ranks worse than the neighbours alone"
                                  : "cannot be told from the neighbours alone";
}

static void section_differences(const struct evaluation *evaluation, struct buffer *out)
{
    const struct difference *encoder = &evaluation->encoder_over_neighbours, *blend = &evaluation->blend_over_neighbours;
    const struct bar bars[] = {
        {.label = "encoder", .css_class = "encoder", .value = encoder->value, .low = encoder->low, .high = encoder->high},
        {.label = "blend", .css_class = "blend", .value = blend->value, .low = blend->low, .high = blend->high},
    };
    if (!evaluation->has_encoder)
        return;
    if (strcmp(verdict_words(blend), verdict_words(encoder)) == 0)
        buffer_append_format(out, "<h2>Blend and encoder: each %s</h2>\n", verdict_words(blend));
    else
        buffer_append_format(out, "<h2>The blend %s; the encoder %s</h2>\n", verdict_words(blend), verdict_words(encoder));
    buffer_append_text(out,
                       "<p>The difference to the neighbours on the same events. Because the same events are drawn for both, this tells "
                       "methods apart whose own intervals overlap: a line that does not cross zero is a difference.</p>\n"
                       "<div class=\"row\"><div class=\"card\">");
    bars_append(out, "Difference to the neighbours", "difference in NDCG@10", bars, 2, 1, 4, true);
    buffer_append_format(out, "</div><div class=\"card\"><h3>The blend counts the neighbours with weight %g</h3>",
                         (double)evaluation->neighbours_weight);
    buffer_append_text(out,
                       "<p>Both scores are brought to mean 0 and deviation 1 over the catalogue, then added; the neighbours' with this "
                       "weight.</p></div></div>\n");
}

static void section_cold(const struct evaluation *evaluation, struct buffer *out)
{
    static const char *const names[GROUPS] = {"", "Cold users", "Cold items"};
    char headings[GROUPS][128];
    for (enum case_group group = GROUP_COLD_USERS; group < GROUPS; group++) {
        uint32_t n = evaluation->groups[group].n_cases;
        (void)snprintf(headings[group], sizeof headings[group], "%s: %u event%s%s", names[group], n, n == 1 ? "" : "s",
                       n < FEW_CASES ? ", too few to say much" : "");
    }
    buffer_append_format(
        out,
        "<h2>Where little is known</h2>\n<p>Users, and items that were next, with at most %d training events. An item without "
        "any is one that no method here can find.</p>\n<div class=\"row\">\n",
        COLD_EVENTS);
    append_card(evaluation, GROUP_COLD_USERS, COLUMN_NDCG10, headings[GROUP_COLD_USERS], "NDCG@10", out);
    append_card(evaluation, GROUP_COLD_ITEMS, COLUMN_NDCG10, headings[GROUP_COLD_ITEMS], "NDCG@10", out);
    buffer_append_text(out, "</div>\n");
}

static void section_lists(const struct evaluation *evaluation, struct buffer *out)
{
    enum method best = evaluation->has_encoder ? METHOD_BLEND : METHOD_NEIGHBOURS;
    buffer_append_format(out, "<h2>The %s shows %.0f&nbsp;%% of the catalogue in somebody's first ten</h2>\n", method_names[best],
                         100 * evaluation->lists[best].coverage10);
    buffer_append_text(out, "<div class=\"wide\"><table><thead><tr><th></th><th>coverage@10</th><th>coverage@20</th><th>Gini@10</th>"
                            "<th>novelty@10</th></tr></thead><tbody>\n");
    for (int method = 0; method < n_methods(evaluation); method++) {
        const struct list_figures *lists = &evaluation->lists[method];
        buffer_append_format(
            out, "<tr class=\"%s\"><th>%s</th><td>%.1f&nbsp;%%</td><td>%.1f&nbsp;%%</td><td>%.3f</td><td>%.1f bits</td></tr>\n",
            method_names[method], method_names[method], 100 * lists->coverage10, 100 * lists->coverage20, lists->gini10, lists->novelty10);
    }
    buffer_append_text(out, "</tbody></table></div>\n");
    double share = evaluation->n_held_out_events ? (double)evaluation->n_repeats / (double)evaluation->n_held_out_events : 0;
    buffer_append_format(out,
                         "<p>Repeats: %.1f&nbsp;%% of the events behind the training part go back to an item that the user already had. "
                         "They are not judged here, because what was seen is left out of answers.</p>\n",
                         100 * share);
}

static const char *const meanings[][2] = {
    {"popular", "the most used items, the same for everybody"},
    {"neighbours", "what follows the user's last items; counted, not trained"},
    {"encoder", "the trained network alone"},
    {"blend", "encoder and neighbours together: what the server answers with"},
    {"HR@k", "share of held-out events whose item is among the first k"},
    {"NDCG@k", "the same, but a place counts 1 / log2(place + 1): 1 for the first, 0.63 for the second, 0.29 for the tenth"},
    {"MRR@k", "the same, but a place counts 1 / place"},
    {"coverage@k", "share of the catalogue that is among the first k of anybody's list"},
    {"Gini@10", "how unevenly the items are shown: 0 all alike, 1 one item takes every place"},
    {"novelty@10", "how little known the shown items are, in bits: one more means half as popular"},
    {"95 % interval",
     "where the figure falls in the middle 950 of 1000 draws of as many events; it says how far other events of the same kind "
     "would move it, not what another training or next month would do"},
};

static void section_meanings(struct buffer *out)
{
    buffer_append_text(out, "<h2>What the words mean</h2>\n<dl>\n");
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        buffer_append_format(out, "<dt>%s</dt><dd>%s</dd>\n", meanings[i][0], meanings[i][1]);
    buffer_append_text(out, "</dl>\n");
}

void evaluation_page_append(const struct evaluation_report *report, const char *training, struct buffer *out)
{
    buffer_append_text(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>Evaluation of model ");
    html_append_text(out, report->model_version);
    buffer_append_text(out, "</title>\n<style>\n");
    buffer_append_text(out, page_style);
    buffer_append_text(out, "</style></head><body>\n");
    section_head(report, out);
    section_figures(&report->evaluation, out);
    section_differences(&report->evaluation, out);
    section_cold(&report->evaluation, out);
    section_lists(&report->evaluation, out);
    section_reliability(&report->evaluation, out);
    section_training(training, out);
    section_meanings(out);
    buffer_append_text(out, "</body></html>\n");
}

enum status evaluation_page_write(const char *path, const struct evaluation_report *report, const char *training, struct error *error)
{
    SCOPED(buffer_clear) struct buffer page;
    buffer_init(&page, PAGE_MAX_BYTES);
    evaluation_page_append(report, training, &page);
    TRY(buffer_finish(&page, error));
    return page_file_write(path, page.bytes, page.n_bytes, error);
}
