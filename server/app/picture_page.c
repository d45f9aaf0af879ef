/* Headings are sentences made from the figures below them. The confusion is a table whose cells are shaded by the share of their row, so
 * that a reader sees the pattern and can still read the numbers. */
#include "server/app/picture_page.h"

#include "core/bootstrap.h"
#include "server/app/html_text.h"
#include "server/app/page_file.h"
#include "server/app/page_style.h"
#include "server/app/picture_report.h"
#include "server/app/svg_chart.h"

#include <stdlib.h>

#define PAGE_MAX_BYTES (16u << 20)
#define SHOWN_MIX_UPS  5u
#define SHOWN_BARS     60u

static double share(double part, double all)
{
    return all > 0 ? part / all : 0;
}

static void append_head(const struct picture_facts *facts, const struct picture_report *report, struct buffer *out)
{
    buffer_append_text(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>Picture model ");
    html_append_text(out, facts->version);
    buffer_append_text(out, "</title>\n<style>\n");
    buffer_append_text(out, page_style);
    buffer_append_format(out, "</style></head><body>\n<h1>%.1f&nbsp;%% of %u pictures that it had not learned from are named right</h1>\n",
                         100 * facts->accuracy, facts->n_held_out);
    buffer_append_format(out,
                         "<p class=\"lead\">Picture model %s: %u categories, %u pictures learned from, taken after %u of %u epochs "
                         "(preset %s, seed %llu).",
                         facts->version, facts->n_categories, facts->n_pictures, facts->epochs, report->n_epochs,
                         facts->preset[0] ? facts->preset : "none", (unsigned long long)facts->seed);
    if (facts->is_refit)
        buffer_append_format(out,
                             " The network that answers was then trained again, for as many epochs, on all %u pictures; every figure "
                             "here is of the one before, which had not seen the held-out ones.",
                             facts->n_pictures + facts->n_held_out);
    if (report->n_left_out)
        buffer_append_format(out, " %u pictures were left out: their items have no category, or one of too few pictures.",
                             report->n_left_out);
    buffer_append_text(out, "</p>\n");
}

static void append_mix_ups(const struct picture_report *report, struct buffer *out)
{
    struct mix_up mix_ups[SHOWN_MIX_UPS];
    uint32_t n = picture_report_mix_ups(report, SHOWN_MIX_UPS, mix_ups);
    buffer_append_text(out, n ? "<p>Most often " : "<p>Nothing was taken for anything else.");
    for (uint32_t i = 0; i < n; i++) {
        buffer_append_text(out, i ? "; <b>" : "<b>");
        html_append_text(out, report->categories[mix_ups[i].category].name);
        buffer_append_text(out, "</b> was taken for <b>");
        html_append_text(out, report->categories[mix_ups[i].taken_for].name);
        buffer_append_format(out, "</b> %u times", mix_ups[i].n);
    }
    buffer_append_text(out, n ? ".</p>\n" : "</p>\n");
}

static void append_confusion(const struct picture_report *report, struct buffer *out)
{
    uint32_t K = report->n_categories;
    buffer_append_text(out, "<h2>What is taken for what</h2>\n<p>A row holds the held-out pictures of one category, a column what they "
                            "were named. The darker, the larger the share of its row.</p>\n");
    append_mix_ups(report, out);
    buffer_append_text(out, "<div class=\"wide\"><table class=\"dense\"><thead><tr><th>is, named</th>");
    for (uint32_t c = 0; c < K; c++) {
        buffer_append_text(out, "<th>");
        html_append_text(out, report->categories[c].name);
        buffer_append_text(out, "</th>");
    }
    buffer_append_text(out, "</tr></thead><tbody>\n");
    for (uint32_t c = 0; c < K; c++) {
        buffer_append_text(out, "<tr><th>");
        html_append_text(out, report->categories[c].name);
        buffer_append_text(out, "</th>");
        for (uint32_t k = 0; k < K; k++) {
            uint32_t n = report->confusion[(size_t)c * K + k];
            buffer_append_format(out, "<td style=\"background:color-mix(in srgb,var(--%s) %.0f%%,transparent)\">%u</td>",
                                 c == k ? "good" : "bad", 70 * share(n, report->categories[c].n_held_out), n);
        }
        buffer_append_text(out, "</tr>\n");
    }
    buffer_append_text(out, "</tbody></table></div>\n");
}

static struct bar bar_of(const char *label, const char *css_class, uint32_t part, uint32_t all)
{
    struct bar bar = {.label = label, .css_class = css_class, .value = share(part, all), .high = 1}; /* of nothing, nothing is known */
    if (all)
        share_interval(bar.value, all, &bar.low, &bar.high);
    return bar;
}

/* Of each category: how many of its pictures are found, and how many that are named so are right. */
static enum status append_categories(const struct picture_report *report, struct buffer *out)
{
    uint32_t n = report->n_categories < SHOWN_BARS ? report->n_categories : SHOWN_BARS;
    SCOPED(memory_free) struct bar *found = calloc(n, sizeof *found), *right = calloc(n, sizeof *right);
    if (!found || !right)
        return STATUS_NOMEM;
    for (uint32_t c = 0; c < n; c++) {
        const struct picture_category *category = &report->categories[c];
        found[c] = bar_of(category->name, "encoder", category->n_right, category->n_held_out);
        right[c] = bar_of(category->name, "blend", category->n_right, category->n_given);
    }
    buffer_append_text(out,
                       "<h2>By category</h2>\n<div class=\"row\"><div class=\"card\"><h3>How many of its pictures are named so</h3>\n");
    bars_append(out, "share found, by category", "share of its pictures (%)", found, n, 100, 1, false);
    buffer_append_text(out, "</div><div class=\"card\"><h3>How many that are named so are right</h3>\n");
    bars_append(out, "share right, by category", "share of those named so (%)", right, n, 100, 1, false);
    buffer_append_text(out, "</div></div>\n");
    return STATUS_OK;
}

static void append_curve(struct buffer *out, const char *heading, const char *title, const double epochs[], const double values[],
                         uint32_t n, double scale)
{
    struct chart chart;
    struct axis x = axis_over("epoch", 1, epochs[n - 1], false), y;
    double low = values[0], high = values[0];
    for (uint32_t e = 1; e < n; e++) {
        low = values[e] < low ? values[e] : low;
        high = values[e] > high ? values[e] : high;
    }
    x.least_step = 1;
    y = axis_between(title, low, high > low ? high : low + 0.01);
    y.scale = scale;
    buffer_append_format(out, "<div class=\"card\"><h3>%s</h3>\n", heading);
    chart_open(&chart, out, heading, x, y);
    chart_line(&chart, "encoder", epochs, values, n);
    chart_close(&chart);
    buffer_append_text(out, "</div>\n");
}

static void append_training(const struct picture_facts *facts, const struct picture_report *report, struct buffer *out)
{
    buffer_append_format(out, "<h2>The way there: epoch %u was taken</h2>\n<div class=\"row\">", facts->epochs);
    append_curve(out, "Loss of the pictures learned from", "loss", report->epochs, report->losses, report->n_epochs, 1);
    append_curve(out, "Held-out pictures named right", "share (%)", report->epochs, report->accuracies, report->n_epochs, 100);
    buffer_append_text(out, "</div>\n");
}

enum status picture_page_write(const char *path, const struct picture_model *model, struct error *error)
{
    const struct picture_facts *facts = picture_model_facts(model);
    SCOPED(picture_report_clear) struct picture_report report = {0};
    SCOPED(buffer_clear) struct buffer page;
    buffer_init(&page, PAGE_MAX_BYTES);
    if (picture_report_read(model, &report) != STATUS_OK)
        return fail(error, STATUS_NOMEM, "no memory for the page");
    append_head(facts, &report, &page);
    if (report.confusion)
        append_confusion(&report, &page);
    if (append_categories(&report, &page) != STATUS_OK)
        return fail(error, STATUS_NOMEM, "no memory for the page");
    if (report.n_epochs > 1)
        append_training(facts, &report, &page);
    buffer_append_text(&page, "</body></html>\n");
    TRY(buffer_finish(&page, error));
    return page_file_write(path, page.bytes, page.n_bytes, error);
}
