/* The settings are printed by the names that the model's file gives them: a list of their own here would be a second one. */
#include "server/verbs/model_summary.h"

#include "core/base/node.h"

#include <stdio.h>
#include <string.h>

#define PATH_BYTES 4400

/* "width 64, "; lists are left out. */
static enum status print_setting(void *context, const char *name, const struct node *value)
{
    const char **gap = context;
    if (node_kind(value) == NODE_INTEGER || node_kind(value) == NODE_REAL)
        (void)printf("%s%s %.6g", *gap, name, node_number(value));
    else if (node_kind(value) == NODE_TEXT)
        (void)printf("%s%s %s", *gap, name, node_text(value, NULL));
    else
        return STATUS_OK;
    *gap = ", ";
    return STATUS_OK;
}

static void print_settings(const struct model_facts *facts)
{
    SCOPED(node_destroy) struct node *settings = NULL;
    const char *gap = "", *json = facts->settings ? facts->settings : "{}";
    if (node_parse(json, strlen(json), &settings, NULL) != STATUS_OK || node_kind(settings) != NODE_OBJECT || !node_count(settings))
        return;
    (void)printf("settings: ");
    enum status status = node_each(settings, print_setting, &gap);
    (void)status; /* a visit does not fail */
    (void)printf("; trained for %u epochs\n", facts->epochs);
}

static void print_figures(const struct model_facts *facts)
{
    const struct method_figures *blend = &facts->figures[METHOD_BLEND];
    (void)printf("on %u held-out events: HR@10 %.4f, NDCG@10 %.4f, MRR@10 %.4f (neighbours count with %.3g); NDCG@10 of", facts->n_held_out,
                 blend->hr10, blend->ndcg10, blend->mrr10, (double)facts->neighbours_weight);
    for (int method = 0; method < METHOD_BLEND; method++)
        (void)printf("%s %s %.4f", method ? "," : "", method_names[method], facts->figures[method].ndcg10);
    (void)printf("\n");
}

void model_summary_print(const char *data_directory, const char *version)
{
    char path[PATH_BYTES];
    SCOPED(model_close) struct model *model = NULL;
    (void)snprintf(path, sizeof path, "%s/models/%s.safetensors", data_directory, version);
    if (model_open(path, &model, NULL) != STATUS_OK)
        return;
    print_settings(model_facts(model));
    print_figures(model_facts(model));
}
