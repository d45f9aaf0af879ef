/* Trains the encoder alone, without store and server, and prints each epoch's time and figures. Input on standard input: lines of "user
 * item item …" (time order; protocol S3) or event objects as deploy/sample has them. Two measurements a run: the held-out figures that
 * training chose by, and those of the file that was written (to build, unless --directory names another folder), on each user's very last
 * event, which with --drop 1 nobody has seen.
 *
 *     zcat ../shared/data/s3rec/Beauty.txt.gz | build/release/tests/bench/train_bench --drop 1 --threads 2
 *     zstd -dcq deploy/sample/events.ndjson.zst | build/release/tests/bench/train_bench --drop 1 --dropout .3 */
#include "core/base/clock.h"
#include "core/base/node.h"
#include "core/drift.h"
#include "core/evaluation.h"
#include "core/kernels/kernels.h"
#include "core/order.h"
#include "tests/bench/bench_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    struct training_settings settings;
    uint32_t drop;
    enum split_kind kind;
    const char *directory;
};

static void print_figures(const char *what, const struct method_figures figures[METHODS])
{
    (void)printf("%s\n", what);
    for (unsigned m = 0; m < METHODS; m++)
        (void)printf("  %-11s HR@10 %.4f  NDCG@10 %.4f\n", method_names[m], figures[m].hr10, figures[m].ndcg10);
}

struct clock_line {
    char note[200];
    uint64_t epoch_ns;
    uint64_t n_batches;
};

/* One line an epoch: the note that changes when the epoch does. */
static bool report(void *context, const struct progress_step *step)
{
    struct clock_line *line = context;
    if (strcmp(step->phase, "training") != 0)
        return true;
    if (line->note[0] && strncmp(line->note, step->note, strcspn(step->note, ",")) != 0) {
        uint64_t now_ns = clock_monotonic_ns();
        (void)printf("%s, %.2f s with evaluation\n", line->note, (double)(now_ns - line->epoch_ns) / 1e9);
        (void)fflush(stdout);
        line->epoch_ns = now_ns;
    }
    (void)snprintf(line->note, sizeof line->note, "%s", step->note);
    return true;
}

static bool take_option(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "--drop") == 0)
        options->drop = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--split") == 0)
        options->kind = strcmp(value, "time") == 0 ? SPLIT_TIME : SPLIT_LAST;
    else if (strcmp(name, "--directory") == 0)
        options->directory = value;
    else
        return bench_setting(&options->settings, name, value);
    return true;
}

static enum status judge(const struct bench_input *input, const struct options *options, const char *path)
{
    struct dataset *dataset = bench_input_dataset(input, 0);
    struct split *split = NULL;
    struct model *model = NULL;
    struct error error = {.detail = ""};
    struct evaluation evaluation;
    struct method_figures figures[METHODS];
    enum status status = dataset_split(dataset, SPLIT_LAST, &options->settings.type_weights, 0, &split);
    if (status == STATUS_OK)
        status = model_open(path, &model, &error);
    if (status == STATUS_OK)
        status = evaluate_model(dataset, split, &options->settings.type_weights, model, model_facts(model)->neighbours_weight,
                                options->settings.neighbours_max_row, options->settings.n_threads, NULL, &evaluation, &error);
    if (status == STATUS_OK) {
        evaluation_figures(&evaluation, figures);
        print_figures("the written file, each user's last event:", figures);
    } else {
        (void)fprintf(stderr, "train_bench: %s\n", error.detail);
    }
    model_close(model);
    split_destroy(split);
    dataset_destroy(dataset);
    return status;
}

/* What core/order.h and core/drift.h say of the training part. */
static void print_traits(const struct dataset *dataset, const struct split *split, const struct type_weights *weights)
{
    SCOPED(sequences_clear) struct sequences sequences = {0};
    double reversibility, drift;
    if (sequences_init(&sequences, dataset, split, weights) != STATUS_OK || order_reversibility(&sequences, &reversibility) != STATUS_OK ||
        drift_of(&sequences, dataset->n_items, &drift) != STATUS_OK)
        exit(3);
    (void)printf("reversibility %.3f, drift %.3f\n", reversibility, drift);
    (void)fflush(stdout);
}

static enum status train(const struct bench_input *input, const struct options *options)
{
    uint32_t n_items = names_count(input->items);
    const char **ids = calloc(n_items, sizeof *ids);
    struct dataset *dataset = bench_input_dataset(input, options->drop);
    struct split *split = NULL;
    struct error error = {.detail = ""};
    struct clock_line line = {.epoch_ns = clock_monotonic_ns()};
    struct progress progress = {report, &line};
    char version[MODEL_VERSION_BYTES], path[512];
    if (!ids || dataset_split(dataset, options->kind, &options->settings.type_weights, 0, &split) != STATUS_OK)
        exit(3);
    for (uint32_t i = 0; i < n_items; i++)
        ids[i] = names_text(input->items, i);
    print_traits(dataset, split, &options->settings.type_weights);
    uint64_t began_ns = clock_monotonic_ns();
    enum status status = trainer_run(dataset, split, ids, &options->settings, options->directory, &progress, version, &error);
    double seconds = (double)(clock_monotonic_ns() - began_ns) / 1e9;
    if (status != STATUS_OK)
        (void)fprintf(stderr, "train_bench: %s: %s\n", status_text(status), error.detail);
    else
        (void)printf("%s\n%s in %.1f s, %u held out\n", line.note, version, seconds, split->n_held_out);
    (void)snprintf(path, sizeof path, "%s/%s.safetensors", options->directory, version);
    struct model *model = NULL;
    if (status == STATUS_OK && model_open(path, &model, &error) == STATUS_OK) {
        (void)printf("best epoch %u, neighbours' weight %.2f\n", model_facts(model)->epochs, (double)model_facts(model)->neighbours_weight);
        print_figures("held out:", model_facts(model)->figures);
        model_close(model);
    }
    split_destroy(split);
    dataset_destroy(dataset);
    free(ids);
    return status == STATUS_OK && options->drop ? judge(input, options, path) : status;
}

int main(int argc, char *argv[])
{
    struct options options = {.settings = training_settings_default(), .directory = "build"};
    kernels_choose_blas(argv);
    options.settings.n_threads = workers_processors();
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 >= argc || !take_option(&options, argv[i], argv[i + 1])) {
            (void)fprintf(stderr, "train_bench: unknown option %s, or it has no value\n", argv[i]);
            return 2;
        }
    }
    struct bench_input input;
    node_start();
    bench_input_read(&input, stdin);
    bench_input_weights(&input, &options.settings.type_weights);
    (void)printf("%u events, %u users, %u items\n", input.n_events, names_count(input.users), names_count(input.items));
    enum status status = train(&input, &options);
    bench_input_clear(&input);
    return status == STATUS_OK ? 0 : 1;
}
