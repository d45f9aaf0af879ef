/* Numbers by their names; anything that is not there, or is no number, is 0. */
#include "server/app/picture_report.h"

#include "core/base/node.h"

#include <stdlib.h>
#include <string.h>

void picture_report_clear(struct picture_report *report)
{
    free(report->categories);
    free(report->confusion);
    free(report->epochs);
    free(report->losses);
    free(report->accuracies);
    *report = (struct picture_report){0};
}

static double number_at(const struct node *object, const char *key)
{
    const struct node *node = node_kind(object) == NODE_OBJECT ? node_get(object, key) : NULL;
    bool is_number = node && (node_kind(node) == NODE_INTEGER || node_kind(node) == NODE_REAL);
    return is_number ? node_number(node) : 0;
}

static uint32_t count_of(double number)
{
    return number > 0 && number < UINT32_MAX ? (uint32_t)number : 0;
}

static const struct node *array_at(const struct node *object, const char *key)
{
    const struct node *node = node_kind(object) == NODE_OBJECT ? node_get(object, key) : NULL;
    return node && node_kind(node) == NODE_ARRAY ? node : NULL;
}

static void read_categories(const struct node *categories, struct picture_report *report)
{
    for (uint32_t c = 0; categories && c < report->n_categories && c < node_count(categories); c++) {
        const struct node *category = node_at(categories, c);
        report->categories[c].n_held_out = count_of(number_at(category, "n_held_out"));
        report->categories[c].n_right = count_of(number_at(category, "n_right"));
        report->categories[c].n_given = count_of(number_at(category, "n_given"));
    }
}

static void read_confusion(const struct node *rows, uint32_t K, uint32_t *confusion)
{
    for (uint32_t c = 0; c < K && c < node_count(rows); c++) {
        const struct node *row = node_at(rows, c);
        for (uint32_t k = 0; node_kind(row) == NODE_ARRAY && k < K && k < node_count(row); k++)
            confusion[(size_t)c * K + k] = node_kind(node_at(row, k)) == NODE_INTEGER ? count_of(node_number(node_at(row, k))) : 0;
    }
}

static enum status read_curve(const struct node *curve, struct picture_report *report)
{
    size_t n = node_count(curve);
    report->epochs = calloc(n + 1, sizeof *report->epochs);
    report->losses = calloc(n + 1, sizeof *report->losses);
    report->accuracies = calloc(n + 1, sizeof *report->accuracies);
    if (!report->epochs || !report->losses || !report->accuracies)
        return STATUS_NOMEM;
    for (size_t e = 0; e < n; e++) {
        report->epochs[e] = number_at(node_at(curve, e), "epoch");
        report->losses[e] = number_at(node_at(curve, e), "loss");
        report->accuracies[e] = number_at(node_at(curve, e), "accuracy");
    }
    report->n_epochs = (uint32_t)n;
    return STATUS_OK;
}

static enum status read_node(const struct node *node, struct picture_report *report)
{
    const struct node *confusion = array_at(node, "confusion"), *curve = array_at(node, "curve");
    uint32_t K = report->n_categories;
    report->n_left_out = count_of(number_at(node, "n_left_out"));
    read_categories(array_at(node, "categories"), report);
    if (curve)
        TRY(read_curve(curve, report));
    if (!confusion)
        return STATUS_OK;
    report->confusion = calloc((size_t)K * K, sizeof *report->confusion);
    if (!report->confusion)
        return STATUS_NOMEM;
    read_confusion(confusion, K, report->confusion);
    return STATUS_OK;
}

enum status picture_report_read(const struct picture_model *model, struct picture_report *out_report)
{
    const struct picture_facts *facts = picture_model_facts(model);
    SCOPED(picture_report_clear) struct picture_report report = {.n_categories = facts->n_categories};
    SCOPED(node_destroy) struct node *node = NULL;
    report.categories = calloc(facts->n_categories, sizeof *report.categories);
    if (!report.categories)
        return STATUS_NOMEM;
    for (uint32_t c = 0; c < facts->n_categories; c++)
        report.categories[c].name = facts->categories[c];
    TRY(node_parse(facts->report, strlen(facts->report), &node, NULL)); /* it is JSON, or the model had not opened */
    TRY(read_node(node, &report));
    *out_report = report;
    report = (struct picture_report){0};
    return STATUS_OK;
}

uint32_t picture_report_mix_ups(const struct picture_report *report, uint32_t most, struct mix_up out[])
{
    uint32_t n = 0, K = report->confusion ? report->n_categories : 0;
    for (uint32_t c = 0; c < K; c++)
        for (uint32_t k = 0; k < K; k++) {
            struct mix_up mix_up = {c, k, report->confusion[(size_t)c * K + k]};
            if (c == k || mix_up.n == 0 || (n == most && mix_up.n <= out[n - 1].n))
                continue;
            uint32_t place = n < most ? n++ : n - 1;
            for (; place > 0 && out[place - 1].n < mix_up.n; place--)
                out[place] = out[place - 1];
            out[place] = mix_up;
        }
    return n;
}
