/* Committed model files whose scores another program computed (tests/golden/check_safetensors.py): the format stays readable, and the
 * network means what it says. A change that makes this fail makes every model file in the world worthless. */
#include "core/model.h"
#include "golden_file.h"
#include "kernel_arguments.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 64

static void check_case(const struct model *model, const struct node *one, void *workspace, const char *words)
{
    const struct node *items = node_get(one, "items"), *types = node_get(one, "types"), *scores = node_get(one, "scores");
    uint32_t item[EVENTS_MAX], n = (uint32_t)node_count(items), V = model_facts(model)->shape.n_items;
    uint8_t type[EVENTS_MAX];
    cr_assert(n <= EVENTS_MAX && node_count(scores) == V);
    for (uint32_t i = 0; i < n; i++) {
        item[i] = (uint32_t)node_integer(node_at(items, i));
        type[i] = (uint8_t)node_integer(node_at(types, i));
    }
    float *user = zero_floats(model_facts(model)->shape.width), *found = zero_floats(V), *expected = zero_floats(V);
    for (uint32_t v = 0; v < V; v++)
        expected[v] = (float)node_number(node_at(scores, v));
    cr_assert(model_encode(model, item, NULL, type, n, workspace, user));
    model_score(model, user, found);
    expect_close(found, expected, V, 2e-5f, words);
    free(user);
    free(found);
    free(expected);
}

static void check_golden(const char *name)
{
    char path[512];
    struct model *model = NULL;
    struct error error = {.detail = ""};
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", GOLDEN_FOLDER, name);
    cr_assert(model_open(path, &model, &error) == STATUS_OK, "%s: %s", path, error.detail);
    (void)snprintf(path, sizeof path, "%s.json", name);
    struct node *document = read_golden(path);
    const struct node *cases = node_get(document, "cases");
    void *workspace = aligned_alloc(64, model_workspace_bytes(model));
    cr_assert(node_count(cases) >= 5);
    for (size_t i = 0; i < node_count(cases); i++)
        check_case(model, node_at(cases, i), workspace, name);
    free(workspace);
    node_destroy(document);
    model_close(model);
}

Test(golden, dot_products_are_as_numpy_has_them)
{
    check_golden("dot");
}

Test(golden, length_1_vectors_are_as_numpy_has_them)
{
    check_golden("unit");
}

Test(golden, vocabulary_is_what_it_was)
{
    struct model *model = NULL;
    struct error error = {.detail = ""};
    cr_assert(model_open(GOLDEN_FOLDER "/dot.safetensors", &model, &error) == STATUS_OK, "%s", error.detail);
    static const char *const ids[] = {"a", "item \"b\"", "c\\d", "ä", "日本", "5"};
    unsigned n_found = 0;
    for (uint32_t item = 0; item < model_facts(model)->shape.n_items; item++) {
        for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
            n_found += strcmp(model_item_id(model, item), ids[i]) == 0;
    }
    cr_assert_eq(n_found, sizeof ids / sizeof ids[0]);
    model_close(model);
}
