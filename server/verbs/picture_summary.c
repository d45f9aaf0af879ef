/* Everything is read from the report in the model's file: what is printed is what was kept. */
#include "server/verbs/picture_summary.h"

#include "core/base/node.h"
#include "core/picture_model.h"

#include <stdio.h>
#include <string.h>

#define PATH_BYTES      4400
#define SHOWN           40u /* categories */
#define SHOWN_CONFUSION 5u

static int64_t integer_of(const struct node *object, const char *key)
{
    const struct node *node = object && node_kind(object) == NODE_OBJECT ? node_get(object, key) : NULL;
    return node && node_kind(node) == NODE_INTEGER ? node_integer(node) : 0;
}

static const struct node *array_of(const struct node *object, const char *key)
{
    const struct node *node = node_get(object, key);
    return node && node_kind(node) == NODE_ARRAY ? node : NULL;
}

static const char *category_name(const struct node *category)
{
    const struct node *name = node_kind(category) == NODE_OBJECT ? node_get(category, "category") : NULL;
    return name && node_kind(name) == NODE_TEXT ? node_text(name, NULL) : "";
}

static double share(int64_t part, int64_t all)
{
    return all > 0 ? (double)part / (double)all : 0;
}

static void print_categories(const struct node *categories)
{
    size_t n = node_count(categories), shown = n < SHOWN ? n : SHOWN;
    (void)printf("%-32s %9s %8s %11s\n", "category", "held out", "found", "right of");
    (void)printf("%-32s %9s %8s %11s\n", "", "pictures", "of them", "those named");
    for (size_t c = 0; c < shown; c++) {
        const struct node *category = node_at(categories, c);
        int64_t n_right = integer_of(category, "n_right");
        (void)printf("%-32.32s %9lld %8.3f %11.3f\n", category_name(category), (long long)integer_of(category, "n_held_out"),
                     share(n_right, integer_of(category, "n_held_out")), share(n_right, integer_of(category, "n_given")));
    }
    if (shown < n)
        (void)printf("and %zu categories more\n", n - shown);
}

struct mix_up {
    size_t category, taken_for;
    int64_t n;
};

/* The most frequent ones first. */
static size_t find_mix_ups(const struct node *confusion, struct mix_up out[SHOWN_CONFUSION])
{
    size_t n_found = 0;
    for (size_t c = 0; c < node_count(confusion); c++) {
        const struct node *row = node_at(confusion, c);
        for (size_t k = 0; node_kind(row) == NODE_ARRAY && k < node_count(row); k++) {
            struct mix_up mix_up = {c, k, node_kind(node_at(row, k)) == NODE_INTEGER ? node_integer(node_at(row, k)) : 0};
            if (c == k || mix_up.n == 0 || (n_found == SHOWN_CONFUSION && mix_up.n <= out[n_found - 1].n))
                continue;
            size_t place = n_found < SHOWN_CONFUSION ? n_found++ : n_found - 1;
            for (; place > 0 && out[place - 1].n < mix_up.n; place--)
                out[place] = out[place - 1];
            out[place] = mix_up;
        }
    }
    return n_found;
}

static void print_mix_ups(const struct node *confusion, const struct node *categories)
{
    struct mix_up found[SHOWN_CONFUSION];
    size_t n_categories = node_count(categories), n = find_mix_ups(confusion, found);
    for (size_t i = 0; i < n; i++)
        if (found[i].category < n_categories && found[i].taken_for < n_categories)
            (void)printf("%s%s was taken for %s %lld times", i ? "; " : "most often ",
                         category_name(node_at(categories, found[i].category)), category_name(node_at(categories, found[i].taken_for)),
                         (long long)found[i].n);
    (void)printf("%s", n ? "\n" : "");
}

void picture_summary_print(const char *data_directory, const char *version)
{
    char path[PATH_BYTES];
    SCOPED(picture_model_close) struct picture_model *model = NULL;
    SCOPED(node_destroy) struct node *report = NULL;
    (void)snprintf(path, sizeof path, "%s/models/%s.safetensors", data_directory, version);
    if (picture_model_open(path, &model, NULL) != STATUS_OK)
        return;
    const struct picture_facts *facts = picture_model_facts(model);
    (void)printf("%u categories, %u pictures trained on; %.4f of %u held-out pictures named right after %u epochs\n", facts->n_categories,
                 facts->n_pictures, facts->accuracy, facts->n_held_out, facts->epochs);
    if (node_parse(facts->report, strlen(facts->report), &report, NULL) != STATUS_OK)
        return;
    const struct node *categories = array_of(report, "categories"), *confusion = array_of(report, "confusion");
    if (integer_of(report, "n_left_out"))
        (void)printf("%lld pictures were left out: no category, or one of too few pictures\n", (long long)integer_of(report, "n_left_out"));
    if (categories)
        print_categories(categories);
    if (categories && confusion)
        print_mix_ups(confusion, categories);
}
