/* Numbers of items stay those of the whole input, so that a cold item is one without events, as a new one is in the service. */
#include "tests/bench/cold_input.h"

#include "core/base/node.h"
#include "core/content_judge.h"

#include <csv.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define FAILED 3

static void give_up(const char *words)
{
    (void)fprintf(stderr, "bench_cold: %s\n", words);
    exit(FAILED);
}

static void *need(void *memory)
{
    if (!memory)
        give_up("no memory");
    return memory;
}

/* The place of an item's text, NULL for an item that has no events. */
static char **text_of(struct cold_input *cold, const char *item)
{
    uint32_t number = names_find(cold->input.items, item), n = names_count(cold->input.items);
    if (number == NAMES_NONE)
        return NULL;
    if (number >= cold->n_texts) {
        cold->texts = need(realloc(cold->texts, n * sizeof *cold->texts));
        memset(cold->texts + cold->n_texts, 0, (n - cold->n_texts) * sizeof *cold->texts);
        cold->n_texts = n;
    }
    return &cold->texts[number];
}

/* --- attributes --- */

static enum status take_attributes(void *context, const char *key, const struct node *value)
{
    char **text = text_of(context, key);
    if (!text)
        return STATUS_OK;
    size_t n = 0, n_bytes = 24 * node_count(value) + 1;
    *text = need(calloc(n_bytes, 1));
    for (size_t i = 0; i < node_count(value); i++)
        n += (size_t)snprintf(*text + n, n_bytes - n, "a%lld ", (long long)node_integer(node_at(value, i)));
    return STATUS_OK;
}

void cold_input_read_attributes(struct cold_input *cold, FILE *source, const char *path)
{
    *cold = (struct cold_input){.n_texts = 0};
    bench_input_read(&cold->input, source);
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    size_t capacity = 0;
    struct node *document = NULL;
    struct error error;
    if (!file)
        give_up("cannot open the attributes");
    ssize_t n_bytes = getdelim(&bytes, &capacity, EOF, file);
    (void)fclose(file);
    if (n_bytes < 0 || node_parse(bytes, (size_t)n_bytes, &document, &error) != STATUS_OK ||
        node_each(document, take_attributes, cold) != STATUS_OK)
        give_up("the attributes are no JSON object");
    node_destroy(document);
    free(bytes);
}

/* --- retail --- */

enum { INVOICE, CODE, DESCRIPTION, QUANTITY, DATE, PRICE, CUSTOMER, COUNTRY, FIELDS };

struct retail_reader {
    struct cold_input *cold;
    char fields[FIELDS][128];
    unsigned n_fields;
    int64_t row;
};

static void take_field(void *bytes, size_t n_bytes, void *context)
{
    struct retail_reader *reader = context;
    if (reader->n_fields < FIELDS) {
        size_t n = n_bytes < sizeof reader->fields[0] - 1 ? n_bytes : sizeof reader->fields[0] - 1;
        memcpy(reader->fields[reader->n_fields], bytes, n);
        reader->fields[reader->n_fields][n] = 0;
    }
    reader->n_fields++;
}

static void take_row(int end, void *context)
{
    (void)end;
    struct retail_reader *reader = context;
    char(*fields)[128] = reader->fields;
    bool is_header = reader->row++ == 0, is_sale = reader->n_fields == FIELDS && fields[INVOICE][0] != 'C' && fields[QUANTITY][0] != '-';
    reader->n_fields = 0;
    if (is_header || !is_sale || !fields[CUSTOMER][0] || !isdigit((unsigned char)fields[CODE][0]))
        return;
    bench_input_add(&reader->cold->input, fields[CUSTOMER], fields[CODE], "purchase", reader->row);
    char **text = text_of(reader->cold, fields[CODE]);
    if (text && !*text && fields[DESCRIPTION][0])
        *text = need(strdup(fields[DESCRIPTION]));
}

void cold_input_read_retail(struct cold_input *cold, FILE *source)
{
    struct retail_reader reader = {.cold = cold};
    struct csv_parser parser;
    char bytes[1 << 16];
    size_t n;
    *cold = (struct cold_input){.n_texts = 0};
    bench_input_init(&cold->input);
    if (csv_init(&parser, 0) != 0)
        give_up("no memory");
    while ((n = fread(bytes, 1, sizeof bytes, source)) > 0) {
        if (csv_parse(&parser, bytes, n, take_field, take_row, &reader) != n)
            give_up("the table is no CSV");
    }
    (void)csv_fini(&parser, take_field, take_row, &reader);
    csv_free(&parser);
}

void cold_input_clear(struct cold_input *cold)
{
    for (uint32_t i = 0; i < cold->n_texts; i++)
        free(cold->texts[i]);
    free(cold->texts);
    bench_input_clear(&cold->input);
    *cold = (struct cold_input){.n_texts = 0};
}

/* --- the protocol --- */

static void choose_cold(struct cold_protocol *protocol)
{
    for (uint32_t v = 0; v < protocol->n_items; v++) {
        protocol->is_cold[v] = content_is_held_out(v, COLD_SHARE, protocol->seed);
        if (protocol->is_cold[v])
            protocol->cold_items[protocol->n_cold++] = v;
    }
}

static void add(struct dataset_builder *builder, const struct dataset *all, uint32_t user, uint64_t event)
{
    if (dataset_add(builder, user, all->items[event], all->types[event], all->at_ms[event]) != STATUS_OK)
        give_up("no memory");
}

/* seen [n_items] holds one more than the last user who had the item. */
static void add_user(struct cold_protocol *protocol, const struct dataset *all, uint32_t user, uint32_t seen[],
                     struct dataset_builder *train, struct dataset_builder *warm)
{
    uint64_t last = all->starts[user];
    for (uint64_t i = all->starts[user]; i < all->starts[user + 1]; i++) {
        if (seen[all->items[i]] != user + 1)
            last = i;
        seen[all->items[i]] = user + 1;
    }
    uint32_t n_before = 0;
    for (uint64_t i = all->starts[user]; i < all->starts[user + 1]; i++) {
        bool is_first = seen[all->items[i]] == user + 1;
        seen[all->items[i]] = 0;
        if (!is_first || protocol->is_cold[all->items[i]])
            continue;
        add(warm, all, user, i);
        if (i == last)
            continue;
        add(train, all, user, i);
        n_before++;
    }
    protocol->ends_cold[user] = all->starts[user] < all->starts[user + 1] && protocol->is_cold[all->items[last]];
    if (protocol->ends_cold[user] && n_before > 0)
        protocol->cases[protocol->n_cases++] = (struct cold_case){user, all->items[last]};
}

static struct dataset *finish(struct dataset_builder *builder, const struct dataset *all)
{
    struct dataset *dataset = NULL;
    if (dataset_finish(builder, all->n_users, all->n_items, all->n_types, &dataset) != STATUS_OK)
        give_up("no memory");
    return dataset;
}

void cold_protocol_init(struct cold_protocol *protocol, const struct cold_input *cold, uint64_t seed)
{
    struct dataset *all = bench_input_dataset(&cold->input, 0);
    SCOPED(dataset_builder_destroy) struct dataset_builder *train = need(dataset_builder_create());
    SCOPED(dataset_builder_destroy) struct dataset_builder *warm = need(dataset_builder_create());
    SCOPED(memory_free) uint32_t *seen = need(calloc(all->n_items, sizeof *seen));
    *protocol = (struct cold_protocol){.seed = seed, .n_items = all->n_items};
    protocol->is_cold = need(calloc(all->n_items, sizeof *protocol->is_cold));
    protocol->cold_items = need(calloc(all->n_items, sizeof *protocol->cold_items));
    protocol->ends_cold = need(calloc(all->n_users, sizeof *protocol->ends_cold));
    protocol->cases = need(calloc(all->n_users, sizeof *protocol->cases));
    protocol->contents = need(calloc(all->n_items, sizeof *protocol->contents));
    choose_cold(protocol);
    for (uint32_t user = 0; user < all->n_users; user++)
        add_user(protocol, all, user, seen, train, warm);
    protocol->train = finish(train, all);
    protocol->warm = finish(warm, all);
    for (uint32_t v = 0; v < cold->n_texts; v++)
        if (cold->texts[v])
            protocol->contents[v] = (struct item_content){.text = cold->texts[v], .n_bytes = strlen(cold->texts[v])};
    dataset_destroy(all);
}

void cold_protocol_clear(struct cold_protocol *protocol)
{
    free(protocol->is_cold);
    free(protocol->cold_items);
    free(protocol->ends_cold);
    free(protocol->cases);
    free(protocol->contents);
    dataset_destroy(protocol->train);
    dataset_destroy(protocol->warm);
    *protocol = (struct cold_protocol){.n_items = 0};
}
