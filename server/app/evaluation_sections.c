/* The pictures that need more than bars: probabilities against what happened, and the way that training took, of the encoder and of the
 * tower behind it. The model's report is read with care: another version may have written it, and what is missing is only not drawn. */
#include "server/app/evaluation_sections.h"

#include "core/base/node.h"
#include "server/app/html_text.h"
#include "server/app/svg_chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- reliability --- */

#define DECADE 10.0 /* the least that a logarithmic axis spans: less would have no ticks */

/* The axes go from the least to the greatest value that is drawn; a share of 0 has no place on a logarithmic axis and stands at its edge.
 */
static struct axis reliability_axis(const char *title, const struct reliability *reliability)
{
    double low = INFINITY, high = 0;
    for (uint32_t i = 0; i < reliability->n_bins; i++) {
        const struct reliability_bin *bin = &reliability->bins[i];
        low = fmin(low, bin->observed > 0 ? fmin(bin->predicted, bin->observed) : bin->predicted);
        high = fmax(high, fmax(bin->predicted, bin->observed));
    }
    double middle = sqrt(low * high), least = sqrt(DECADE);
    struct axis axis = axis_over(title, fmin(low, middle / least), fmin(fmax(high, middle * least), 0.8), true);
    axis.scale = 100;
    return axis;
}

static void append_reliability(const char *method, const char *heading, const struct reliability *reliability, struct buffer *out)
{
    struct chart chart;
    struct axis x = reliability_axis("probability that was given (%)", reliability), y = x;
    const double ends[] = {x.low, x.high};
    y.title = "share that came true (%)";
    buffer_append_format(out, "<div class=\"card\"><h3>%s</h3>\n", heading);
    chart_open(&chart, out, heading, x, y);
    chart_line(&chart, "ideal", ends, ends, 2);
    for (uint32_t i = 0; i < reliability->n_bins; i++) {
        const struct reliability_bin *bin = &reliability->bins[i];
        char text[160];
        double low, high;
        share_interval(bin->observed, (double)bin->n, &low, &high);
        (void)snprintf(text, sizeof text, "%.3f %% was given, %.3f %% came true, %llu pairs", 100 * bin->predicted, 100 * bin->observed,
                       (unsigned long long)bin->n);
        chart_point(&chart, method, bin->predicted, bin->observed, low, high, text);
    }
    chart_close(&chart);
    buffer_append_format(
        out, "<p>%.3f&nbsp;%% was given on average, %.3f&nbsp;%% came true; off by %.5f, which is %.0f&nbsp;%% of it.</p></div>\n",
        100 * reliability->predicted, 100 * reliability->observed, reliability->expected_error, 100 * reliability->relative_error);
}

/* In words, unless the difference is small or may be luck: hits vary by the root of what is expected. */
static const char *reliability_words(const struct reliability *reliability)
{
    double expected = reliability->predicted * (double)reliability->n, hits = reliability->observed * (double)reliability->n;
    bool is_off = fabs(hits - expected) > fmax(0.1 * expected, 2 * sqrt(expected));
    if (!is_off)
        return "The encoder's probabilities come true on average";
    return hits < expected ? "The encoder promises more than comes true" : "The encoder promises less than comes true";
}

void section_reliability(const struct evaluation *evaluation, struct buffer *out)
{
    if (evaluation->encoder_reliability.n_bins == 0 && evaluation->popular_reliability.n_bins == 0)
        return;
    buffer_append_format(out, "<h2>%s</h2>\n",
                         evaluation->encoder_reliability.n_bins > 0 ? reliability_words(&evaluation->encoder_reliability) : "Reliability");
    buffer_append_text(out, "<p>The first 20 items of every list, by the probability that each was given to be next, in groups that expect "
                            "equally many hits. On the dashed line it is as often next as was said. Axes are logarithmic.</p>\n<div "
                            "class=\"row\">\n");
    if (evaluation->encoder_reliability.n_bins > 0)
        append_reliability("encoder", "Encoder: softmax of its scores", &evaluation->encoder_reliability, out);
    if (evaluation->popular_reliability.n_bins > 0)
        append_reliability("popular", "Popular: share of the training events", &evaluation->popular_reliability, out);
    buffer_append_text(out, "</div>\n");
}

/* --- training --- */

#define EPOCHS_MAX 10000u

struct curve {
    size_t n;
    double *epochs, *losses, *gains; /* gains: NAN where nothing was judged */
};

static void curve_clear_scoped(struct curve *curve)
{
    free(curve->epochs);
    free(curve->losses);
    free(curve->gains);
}

static double number_of(const struct node *object, const char *key)
{
    const struct node *node = node_kind(object) == NODE_OBJECT ? node_get(object, key) : NULL;
    return node && (node_kind(node) == NODE_INTEGER || node_kind(node) == NODE_REAL) ? node_number(node) : NAN;
}

/* An array of that name, or NULL. */
static const struct node *array_of(const struct node *object, const char *key)
{
    const struct node *node = object && node_kind(object) == NODE_OBJECT ? node_get(object, key) : NULL;
    return node && node_kind(node) == NODE_ARRAY ? node : NULL;
}

/* gain: what the epochs were judged by. */
static void read_curve(const struct node *report, const char *gain, struct curve *curve)
{
    const struct node *array = array_of(report, "curve");
    size_t n = array ? node_count(array) : 0;
    n = n < EPOCHS_MAX ? n : EPOCHS_MAX;
    curve->epochs = calloc(n + 1, sizeof *curve->epochs);
    curve->losses = calloc(n + 1, sizeof *curve->losses);
    curve->gains = calloc(n + 1, sizeof *curve->gains);
    if (!curve->epochs || !curve->losses || !curve->gains)
        return; /* no curve: the page says so */
    for (size_t i = 0; i < n; i++) {
        double epoch = number_of(node_at(array, i), "epoch"), loss = number_of(node_at(array, i), "loss");
        if (!isfinite(epoch) || !isfinite(loss))
            continue;
        curve->epochs[curve->n] = epoch;
        curve->losses[curve->n] = loss;
        curve->gains[curve->n++] = number_of(node_at(array, i), gain);
    }
}

static void append_curve(const struct curve *curve, const double values[], const char *heading, const char *title, const char *css_class,
                         struct buffer *out)
{
    struct chart chart;
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < curve->n; i++) {
        low = isfinite(values[i]) ? fmin(low, values[i]) : low;
        high = isfinite(values[i]) ? fmax(high, values[i]) : high;
    }
    if (!isfinite(low))
        return;
    struct axis x = axis_over("epoch", 0, curve->epochs[curve->n - 1], false), y = axis_between(title, low, high);
    x.least_step = 1;
    buffer_append_format(out, "<div class=\"card\"><h3>%s</h3>\n", heading);
    chart_open(&chart, out, heading, x, y);
    chart_line(&chart, css_class, curve->epochs, values, curve->n);
    for (size_t i = 0; i < curve->n; i++) {
        char text[96];
        (void)snprintf(text, sizeof text, "epoch %.0f: %.5g", curve->epochs[i], values[i]);
        chart_point(&chart, css_class, curve->epochs[i], values[i], 0, 0, text);
    }
    chart_close(&chart);
    buffer_append_text(out, "</div>\n");
}

static void append_text_cell(const struct node *object, const char *key, struct buffer *out)
{
    const struct node *node = node_kind(object) == NODE_OBJECT ? node_get(object, key) : NULL;
    buffer_append_text(out, "<td class=\"words\">");
    html_append_text(out, node && node_kind(node) == NODE_TEXT ? node_text(node, NULL) : "–");
    buffer_append_text(out, "</td>");
}

static void append_number_cell(const struct node *object, const char *key, int digits, struct buffer *out)
{
    double value = number_of(object, key);
    if (isfinite(value))
        buffer_append_format(out, "<td>%.*f</td>", digits, value);
    else
        buffer_append_text(out, "<td>–</td>");
}

static void append_search(const struct node *report, struct buffer *out)
{
    const struct node *search = node_get(report, "search"), *tried = search ? array_of(search, "tried") : NULL;
    if (!tried || node_count(tried) < 2)
        return; /* nothing was chosen from */
    buffer_append_format(out,
                         "<h2>The search tried %zu settings</h2>\n<div class=\"wide\"><table><thead><tr><th>settings</th><th>rounds</th>"
                         "<th>epochs</th><th>NDCG@10</th></tr></thead><tbody>\n",
                         node_count(tried));
    for (size_t i = 0; i < node_count(tried); i++) {
        buffer_append_text(out, "<tr>");
        append_text_cell(node_at(tried, i), "settings", out);
        append_number_cell(node_at(tried, i), "rounds", 0, out);
        append_number_cell(node_at(tried, i), "epochs", 0, out);
        append_number_cell(node_at(tried, i), "ndcg10", 4, out);
        buffer_append_text(out, "</tr>\n");
    }
    buffer_append_text(out, "</tbody></table></div>\n");
}

static void append_choices(const struct node *content, const char *array, const char *key, const char *heading, struct buffer *out)
{
    const struct node *choices = array_of(content, array);
    double chosen = number_of(content, key);
    if (!choices)
        return;
    buffer_append_format(out, "<div class=\"card\"><h3>%s</h3><table><thead><tr><th>%s</th><th>NDCG@10</th><th></th></tr></thead><tbody>\n",
                         heading, key);
    for (size_t i = 0; i < node_count(choices); i++) {
        buffer_append_text(out, "<tr>");
        append_number_cell(node_at(choices, i), key, 1, out);
        append_number_cell(node_at(choices, i), "ndcg10", 4, out);
        buffer_append_format(out, "<td class=\"words\">%s</td></tr>\n", number_of(node_at(choices, i), key) == chosen ? "chosen" : "");
    }
    buffer_append_text(out, "</tbody></table></div>\n");
}

/* How the tower came about that places items by what is known of them (core/content_phase.h). */
static void append_content(const struct node *report, struct buffer *out)
{
    const struct node *content = node_get(report, "content");
    struct curve curve __attribute__((cleanup(curve_clear_scoped))) = {0};
    if (!content || node_kind(content) != NODE_OBJECT)
        return;
    const struct node *is_used = node_get(content, "is_used");
    bool is_placing = is_used && node_kind(is_used) == NODE_BOOLEAN && node_boolean(is_used);
    double n_learned = number_of(content, "n_contents"), n_judged = number_of(content, "n_judged_items");
    if (!isfinite(n_learned) || !isfinite(n_judged))
        return;
    read_curve(content, "ndcg20", &curve);
    buffer_append_format(
        out,
        "<h2>%s</h2>\n<p>Learned from %.0f items that people touched and of which something is known; judged by %.0f others, as if nobody "
        "had touched them.</p>\n<div class=\"row\">\n",
        is_placing ? "New items are placed by their words and pictures" : "Placing items by their words and pictures did not pay",
        n_learned, n_judged);
    if (curve.n > 0)
        append_curve(&curve, curve.gains, "Items that nobody has touched, among each other", "NDCG@20", "blend", out);
    append_choices(content, "shifts", "shift", "What it is worth not to have been touched", out);
    append_choices(content, "choices", "k", "How many events content is worth", out);
    buffer_append_text(out, "</div>\n");
}

void section_training(const char *report, struct buffer *out)
{
    SCOPED(node_destroy) struct node *document = NULL;
    struct curve curve __attribute__((cleanup(curve_clear_scoped))) = {0};
    bool is_object = report && node_parse(report, strlen(report), &document, NULL) == STATUS_OK && node_kind(document) == NODE_OBJECT;
    if (is_object)
        read_curve(document, "ndcg10", &curve);
    if (curve.n == 0) {
        buffer_append_text(out,
                           "<h2>How the training went</h2>\n<p class=\"soft\">The model's file holds no loss curve: it was written by a "
                           "version that kept none.</p>\n");
    } else {
        buffer_append_format(out, "<h2>In %.0f epochs the loss went from %.3f to %.3f</h2>\n<div class=\"row\">\n",
                             curve.epochs[curve.n - 1], curve.losses[0], curve.losses[curve.n - 1]);
        append_curve(&curve, curve.losses, "Training loss", "cross-entropy (nats)", "encoder", out);
        append_curve(&curve, curve.gains, "The encoder on held-out events", "NDCG@10", "blend", out);
        buffer_append_text(out, "</div>\n");
    }
    if (is_object) {
        append_search(document, out);
        append_content(document, out);
    }
}
