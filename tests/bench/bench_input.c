/* Names are numbered in the order in which they come, as the importer does. */
#include "tests/bench/bench_input.h"

#include "core/base/node.h"

#include <stdlib.h>
#include <string.h>

#define FAILED 3

static uint32_t number_of(struct names *names, const char *text)
{
    uint32_t number = 0;
    if (names_add(names, text, &number) != STATUS_OK)
        exit(FAILED);
    return number;
}

static void grow(struct bench_input *input)
{
    input->capacity = input->capacity ? 2 * input->capacity : 1u << 16;
    input->user = realloc(input->user, input->capacity * sizeof *input->user);
    input->item = realloc(input->item, input->capacity * sizeof *input->item);
    input->type = realloc(input->type, input->capacity * sizeof *input->type);
    input->at_ms = realloc(input->at_ms, input->capacity * sizeof *input->at_ms);
    if (!input->user || !input->item || !input->type || !input->at_ms)
        exit(FAILED);
}

void bench_input_add(struct bench_input *input, const char *user, const char *item, const char *type, int64_t at_ms)
{
    if (input->n_events == input->capacity)
        grow(input);
    uint32_t i = input->n_events++;
    input->user[i] = number_of(input->users, user);
    input->item[i] = number_of(input->items, item);
    input->type[i] = number_of(input->types, type);
    input->at_ms[i] = at_ms;
}

static void add_object(struct bench_input *input, const char *line)
{
    SCOPED(node_destroy) struct node *event = NULL;
    struct error error;
    if (node_parse(line, strlen(line), &event, &error) != STATUS_OK)
        return;
    bench_input_add(input, node_text(node_get(event, "user_id"), NULL), node_text(node_get(event, "item_id"), NULL),
                    node_text(node_get(event, "type"), NULL), node_integer(node_get(event, "timestamp")));
}

static void add_sequence(struct bench_input *input, char *line)
{
    char *rest = line, *user = strsep(&rest, " \n"), *item;
    for (int64_t step = 0; (item = strsep(&rest, " \n"));) {
        if (*item)
            bench_input_add(input, user, item, "view", step++);
    }
}

void bench_input_init(struct bench_input *input)
{
    *input = (struct bench_input){.users = names_create(), .items = names_create(), .types = names_create()};
    if (!input->users || !input->items || !input->types)
        exit(FAILED);
}

void bench_input_read(struct bench_input *input, FILE *source)
{
    char *line = NULL;
    size_t capacity = 0;
    bench_input_init(input);
    while (getline(&line, &capacity, source) > 0) {
        if (line[0] == '{')
            add_object(input, line);
        else
            add_sequence(input, line);
    }
    free(line);
}

void bench_input_clear(struct bench_input *input)
{
    names_destroy(input->users);
    names_destroy(input->items);
    names_destroy(input->types);
    free(input->user);
    free(input->item);
    free(input->type);
    free(input->at_ms);
    *input = (struct bench_input){0};
}

struct dataset *bench_input_dataset(const struct bench_input *input, uint32_t drop)
{
    uint32_t n_users = names_count(input->users);
    struct dataset_builder *builder = dataset_builder_create();
    struct dataset *dataset = NULL;
    if (!builder)
        exit(FAILED);
    for (uint32_t i = 0; i < input->n_events; i++) {
        if (dataset_add(builder, input->user[i], input->item[i], input->type[i], input->at_ms[i]) != STATUS_OK)
            exit(FAILED);
    }
    if (dataset_finish(builder, n_users, names_count(input->items), names_count(input->types), &dataset) != STATUS_OK)
        exit(FAILED);
    for (uint32_t user = 0; drop && user < n_users; user++) {
        uint64_t end = dataset->starts[user + 1];
        for (uint64_t i = dataset->starts[user]; i + drop < end; i++) {
            if (dataset_add(builder, user, dataset->items[i], dataset->types[i], dataset->at_ms[i]) != STATUS_OK)
                exit(FAILED);
        }
    }
    if (drop) {
        dataset_destroy(dataset);
        if (dataset_finish(builder, n_users, names_count(input->items), names_count(input->types), &dataset) != STATUS_OK)
            exit(FAILED);
    }
    dataset_builder_destroy(builder);
    return dataset;
}

void bench_input_weights(const struct bench_input *input, struct type_weights *out_weights)
{
    for (uint32_t type = 0; type < names_count(input->types); type++)
        out_weights->weights[type] = strcmp(names_text(input->types, type), "dislike") == 0 ? -1 : 1;
}

bool bench_setting(struct training_settings *settings, const char *name, const char *value)
{
    const struct {
        const char *name;
        uint32_t *count;
        float *number;
    } table[] = {
        {"--epochs", &settings->epochs, NULL},         {"--patience", &settings->patience, NULL},
        {"--batch", &settings->batch_rows, NULL},      {"--width", &settings->shape.width, NULL},
        {"--taps", &settings->shape.taps, NULL},       {"--blocks", &settings->shape.n_blocks, NULL},
        {"--history", &settings->shape.history, NULL}, {"--threads", &settings->n_threads, NULL},
        {"--rate", NULL, &settings->learning_rate},    {"--dropout", NULL, &settings->dropout},
        {"--reach", NULL, &settings->reach},           {"--recency", NULL, &settings->recency},
        {"--averaging", NULL, &settings->averaging},   {"--temperature", NULL, &settings->shape.temperature},
        {"--negatives", &settings->n_negatives, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(name, table[i].name) != 0)
            continue;
        if (table[i].count)
            *table[i].count = (uint32_t)strtoul(value, NULL, 10);
        else
            *table[i].number = strtof(value, NULL);
        return true;
    }
    if (strcmp(name, "--seed") != 0)
        return false;
    settings->seed = strtoull(value, NULL, 10);
    return true;
}
