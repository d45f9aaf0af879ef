/* Trains the encoder alone, without store and server, and prints each epoch's time and figures. Input on standard input: lines of "user
 * item item …" (time order; protocol S3) or event objects as deploy/sample has them. Two measurements a run: the held-out figures that
 * training chose by, and those of the file that was written, on each user's very last event, which with --drop 1 nobody has seen.
 *
 *     zcat ../shared/data/s3rec/Beauty.txt.gz | build/release/tests/bench/train_bench --drop 1 --threads 2
 *     zstd -dcq deploy/sample/events.ndjson.zst | build/release/tests/bench/train_bench --drop 1 --dropout .3 */
#include "core/base/clock.h"
#include "core/base/names.h"
#include "core/base/node.h"
#include "core/evaluation.h"
#include "core/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct input {
    struct names *users, *items, *types;
    uint32_t *user, *item, *type; /* [n_events] */
    int64_t *at_ms;
    uint32_t n_events, capacity;
};

struct options {
    struct training_settings settings;
    uint32_t drop;
    enum split_kind kind;
    const char *directory;
};

static uint32_t number_of(struct names *names, const char *text)
{
    uint32_t number = 0;
    if (names_add(names, text, &number) != STATUS_OK)
        exit(3);
    return number;
}

static void add_event(struct input *input, const char *user, const char *item, const char *type, int64_t at_ms)
{
    if (input->n_events == input->capacity) {
        input->capacity = input->capacity ? 2 * input->capacity : 1u << 16;
        input->user = realloc(input->user, input->capacity * sizeof *input->user);
        input->item = realloc(input->item, input->capacity * sizeof *input->item);
        input->type = realloc(input->type, input->capacity * sizeof *input->type);
        input->at_ms = realloc(input->at_ms, input->capacity * sizeof *input->at_ms);
        if (!input->user || !input->item || !input->type || !input->at_ms)
            exit(3);
    }
    uint32_t i = input->n_events++;
    input->user[i] = number_of(input->users, user);
    input->item[i] = number_of(input->items, item);
    input->type[i] = number_of(input->types, type);
    input->at_ms[i] = at_ms;
}

static void add_object(struct input *input, const char *line)
{
    SCOPED(node_destroy) struct node *event = NULL;
    struct error error;
    if (node_parse(line, strlen(line), &event, &error) != STATUS_OK)
        return;
    add_event(input, node_text(node_get(event, "user_id"), NULL), node_text(node_get(event, "item_id"), NULL),
              node_text(node_get(event, "type"), NULL), node_integer(node_get(event, "timestamp")));
}

static void add_sequence(struct input *input, char *line)
{
    char *rest = line, *user = strsep(&rest, " \n"), *item;
    for (int64_t step = 0; (item = strsep(&rest, " \n"));) {
        if (*item)
            add_event(input, user, item, "view", step++);
    }
}

static void read_input(struct input *input)
{
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        if (line[0] == '{')
            add_object(input, line);
        else
            add_sequence(input, line);
    }
    free(line);
}

/* All events but each user's last `drop`. */
static struct dataset *make_dataset(const struct input *input, uint32_t drop)
{
    uint32_t n_users = names_count(input->users);
    struct dataset_builder *builder = dataset_builder_create();
    struct dataset *dataset = NULL;
    for (uint32_t i = 0; i < input->n_events; i++) {
        if (dataset_add(builder, input->user[i], input->item[i], input->type[i], input->at_ms[i]) != STATUS_OK)
            exit(3);
    }
    if (dataset_finish(builder, n_users, names_count(input->items), names_count(input->types), &dataset) != STATUS_OK)
        exit(3);
    for (uint32_t user = 0; drop && user < n_users; user++) {
        uint64_t end = dataset->starts[user + 1];
        for (uint64_t i = dataset->starts[user]; i + drop < end; i++) {
            if (dataset_add(builder, user, dataset->items[i], dataset->types[i], dataset->at_ms[i]) != STATUS_OK)
                exit(3);
        }
    }
    if (drop) {
        dataset_destroy(dataset);
        if (dataset_finish(builder, n_users, names_count(input->items), names_count(input->types), &dataset) != STATUS_OK)
            exit(3);
    }
    dataset_builder_destroy(builder);
    return dataset;
}

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
    struct training_settings *settings = &options->settings;
    const struct {
        const char *name;
        uint32_t *count;
        float *number;
    } table[] = {
        {"--drop", &options->drop, NULL},
        {"--epochs", &settings->epochs, NULL},
        {"--patience", &settings->patience, NULL},
        {"--batch", &settings->batch_rows, NULL},
        {"--width", &settings->shape.width, NULL},
        {"--taps", &settings->shape.taps, NULL},
        {"--blocks", &settings->shape.n_blocks, NULL},
        {"--history", &settings->shape.history, NULL},
        {"--threads", &settings->n_threads, NULL},
        {"--rate", NULL, &settings->learning_rate},
        {"--dropout", NULL, &settings->dropout},
        {"--temperature", NULL, &settings->shape.temperature},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(name, table[i].name) == 0 && table[i].count)
            *table[i].count = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(name, table[i].name) == 0)
            *table[i].number = strtof(value, NULL);
        else
            continue;
        return true;
    }
    if (strcmp(name, "--seed") == 0)
        settings->seed = strtoull(value, NULL, 10);
    else if (strcmp(name, "--split") == 0)
        options->kind = strcmp(value, "time") == 0 ? SPLIT_TIME : SPLIT_LAST;
    else if (strcmp(name, "--directory") == 0)
        options->directory = value;
    else
        return false;
    return true;
}

static enum status judge(const struct input *input, const struct options *options, const char *path)
{
    struct dataset *dataset = make_dataset(input, 0);
    struct split *split = NULL;
    struct model *model = NULL;
    struct error error = {.detail = ""};
    struct method_figures figures[METHODS];
    enum status status = dataset_split(dataset, SPLIT_LAST, &options->settings.type_weights, 0, &split);
    if (status == STATUS_OK)
        status = model_open(path, &model, &error);
    if (status == STATUS_OK)
        status = evaluate_model(dataset, split, &options->settings.type_weights, model, model_facts(model)->neighbours_weight,
                                options->settings.neighbours_max_row, options->settings.n_threads, NULL, figures, &error);
    if (status == STATUS_OK)
        print_figures("the written file, each user's last event:", figures);
    else
        (void)fprintf(stderr, "train_bench: %s\n", error.detail);
    model_close(model);
    split_destroy(split);
    dataset_destroy(dataset);
    return status;
}

static enum status train(const struct input *input, const struct options *options)
{
    uint32_t n_items = names_count(input->items);
    const char **ids = calloc(n_items, sizeof *ids);
    struct dataset *dataset = make_dataset(input, options->drop);
    struct split *split = NULL;
    struct error error = {.detail = ""};
    struct clock_line line = {.epoch_ns = clock_monotonic_ns()};
    struct progress progress = {report, &line};
    char version[MODEL_VERSION_BYTES], path[512];
    if (!ids || dataset_split(dataset, options->kind, &options->settings.type_weights, 0, &split) != STATUS_OK)
        exit(3);
    for (uint32_t i = 0; i < n_items; i++)
        ids[i] = names_text(input->items, i);
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
    struct options options = {.settings = training_settings_default(), .directory = "."};
    options.settings.n_threads = workers_processors();
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 >= argc || !take_option(&options, argv[i], argv[i + 1])) {
            (void)fprintf(stderr, "train_bench: unknown option %s, or it has no value\n", argv[i]);
            return 2;
        }
    }
    struct input input = {.users = names_create(), .items = names_create(), .types = names_create()};
    node_start();
    read_input(&input);
    for (uint32_t type = 0; type < names_count(input.types); type++)
        options.settings.type_weights.weights[type] = strcmp(names_text(input.types, type), "dislike") == 0 ? -1 : 1;
    (void)printf("%u events, %u users, %u items\n", input.n_events, names_count(input.users), names_count(input.items));
    enum status status = train(&input, &options);
    names_destroy(input.users);
    names_destroy(input.items);
    names_destroy(input.types);
    free(input.user);
    free(input.item);
    free(input.type);
    free(input.at_ms);
    return status == STATUS_OK ? 0 : 1;
}
