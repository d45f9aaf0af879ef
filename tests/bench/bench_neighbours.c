/* Measures the neighbours without training, under protocol S3: each user's last item is the test, everything before it is counted, all
 * items are ranked, the user's history is left out. Then the speed of ranking: top 10 of the blend of two rows of scores as long as the
 * catalogue.
 *
 *     bench_neighbours FILE [MAX_ROW]      a line of FILE: a user and their items in time order ("-": standard input)
 *     zcat Beauty.txt.gz | bench_neighbours - */
#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/evaluation.h"
#include "core/neighbours.h"
#include "core/top_k.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPEATS 2000

/* A line is a user and items 1, 2, …; the step is the time. What is no number ends the line. */
static enum status add_line(struct dataset_builder *builder, uint32_t user, const char *line, uint32_t *n_items)
{
    const char *rest = strchr(line, ' ');
    for (int64_t step = 0; rest; step++) {
        char *end;
        unsigned long item = strtoul(rest, &end, 10);
        if (end == rest || item >= UINT32_MAX)
            break;
        *n_items = item >= *n_items ? (uint32_t)item + 1 : *n_items;
        TRY(dataset_add(builder, user, (uint32_t)item, 0, step));
        rest = end;
    }
    return STATUS_OK;
}

static enum status read_lines(FILE *file, struct dataset **out_dataset)
{
    SCOPED(dataset_builder_destroy) struct dataset_builder *builder = dataset_builder_create();
    enum status status = builder ? STATUS_OK : STATUS_NOMEM;
    char *line = NULL;
    size_t capacity = 0;
    uint32_t n_users = 0, n_items = 0;
    while (status == STATUS_OK && getline(&line, &capacity, file) > 0)
        status = add_line(builder, n_users++, line, &n_items);
    free(line);
    return status == STATUS_OK ? dataset_finish(builder, n_users, n_items, 1, out_dataset) : status;
}

static enum status measure_quality(const struct dataset *dataset, uint32_t max_row)
{
    struct type_weights weights = {.weights = {1}};
    SCOPED(split_destroy) struct split *split = NULL;
    TRY(dataset_split(dataset, SPLIT_LAST, &weights, 0, &split));
    SCOPED(workers_destroy) struct workers *workers = workers_create(workers_processors());
    struct method_figures figures[METHODS];
    float weight;
    if (!workers)
        return STATUS_NOMEM;
    uint64_t began_ns = clock_monotonic_ns();
    TRY(evaluate_methods(dataset, split, &weights, NULL, -1, max_row, workers, NULL, figures, &weight));
    double seconds = (double)(clock_monotonic_ns() - began_ns) / 1e9;
    printf("%u users  %u items  %llu events  %u cases judged in %.2f s\n", dataset->n_users, dataset->n_items,
           (unsigned long long)dataset->n_events, split->n_held_out, seconds);
    for (int method = METHOD_POPULAR; method <= METHOD_NEIGHBOURS; method++)
        printf("%-11s HR@10 %.4f  NDCG@10 %.4f  MRR@10 %.4f\n", method == METHOD_POPULAR ? "popular" : "neighbours", figures[method].hr10,
               figures[method].ndcg10, figures[method].mrr10);
    return STATUS_OK;
}

static enum status measure_ranking(uint32_t n_items)
{
    SCOPED(memory_free) float *rows = malloc(3 * (size_t)n_items * sizeof *rows);
    if (!rows)
        return STATUS_NOMEM;
    float *encoder = rows, *neighbours = rows + n_items, *blend = rows + 2 * (size_t)n_items;
    struct random random;
    random_init(&random, 1, 0);
    for (uint32_t item = 0; item < n_items; item++) {
        encoder[item] = random_normal(&random);
        neighbours[item] = random_below(&random, 50) ? 0 : random_uniform(&random);
    }
    struct scored best[10];
    uint64_t blend_ns = 0, top_ns = 0, repeats = REPEATS * 10000ull / n_items + 1;
    for (uint64_t i = 0; i < repeats; i++) {
        uint64_t at_ns[3] = {clock_monotonic_ns()};
        blend_scores(encoder, n_items, neighbours, .1f, n_items, blend);
        at_ns[1] = clock_monotonic_ns();
        if (top_k(blend, n_items, 10, NULL, NULL, best) == 0)
            return STATUS_CORRUPT;
        at_ns[2] = clock_monotonic_ns();
        blend_ns += at_ns[1] - at_ns[0];
        top_ns += at_ns[2] - at_ns[1];
    }
    printf("%u items: blend %.1f µs, top 10 %.1f µs\n", n_items, (double)blend_ns / 1e3 / (double)repeats,
           (double)top_ns / 1e3 / (double)repeats);
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench_neighbours FILE [MAX_ROW]\n");
        return 2;
    }
    FILE *file = strcmp(argv[1], "-") == 0 ? stdin : fopen(argv[1], "r");
    if (!file) {
        perror(argv[1]);
        return 1;
    }
    SCOPED(dataset_destroy) struct dataset *dataset = NULL;
    enum status status = read_lines(file, &dataset);
    if (status == STATUS_OK)
        status = measure_quality(dataset, argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 512);
    for (uint32_t n_items = 12101; status == STATUS_OK && n_items < 2000000; n_items *= 9)
        status = measure_ranking(n_items);
    if (file != stdin)
        (void)fclose(file);
    if (status != STATUS_OK)
        (void)fprintf(stderr, "failed: %s\n", status_text(status));
    return status == STATUS_OK ? 0 : 1;
}
