/* An array of atomic pointers that grows by replacement, one heap block a record (record, category numbers, texts). The count is published
 * last, so a reader that sees a number finds its record. A category's text becomes a number when an item first names it; the list of
 * categories only grows. */
#include "server/app/catalogue.h"

#include "core/base/node.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ITEMS 1024u

struct table {
    uint32_t capacity;
    _Atomic(const struct item *) items[];
};

struct catalogue {
    struct epoch *epoch;
    struct names *categories;
    _Atomic(struct table *) table;
    atomic_uint count;
};

static struct table *table_create(uint32_t capacity)
{
    struct table *table = malloc(sizeof *table + (size_t)capacity * sizeof table->items[0]);
    if (!table)
        return NULL;
    table->capacity = capacity;
    for (uint32_t i = 0; i < capacity; i++)
        atomic_init(&table->items[i], NULL);
    return table;
}

struct catalogue *catalogue_create(struct epoch *epoch)
{
    struct catalogue *catalogue = malloc(sizeof *catalogue);
    struct names *categories = names_create();
    struct table *table = table_create(FIRST_ITEMS);
    if (!catalogue || !categories || !table) {
        free(catalogue);
        names_destroy(categories);
        free(table);
        return NULL;
    }
    catalogue->epoch = epoch;
    catalogue->categories = categories;
    atomic_init(&catalogue->table, table);
    atomic_init(&catalogue->count, 0);
    return catalogue;
}

void catalogue_destroy(struct catalogue *catalogue)
{
    if (!catalogue)
        return;
    struct table *table = atomic_load(&catalogue->table);
    for (uint32_t i = 0; i < table->capacity; i++)
        memory_free(atomic_load(&table->items[i]));
    free(table);
    names_destroy(catalogue->categories);
    free(catalogue);
}

/* --- making a record --- */

static size_t text_bytes(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static const char *copy_text(char **end, const char *text)
{
    size_t n_bytes = text_bytes(text);
    if (!n_bytes)
        return NULL;
    char *copy = memcpy(*end, text, n_bytes);
    *end += n_bytes;
    return copy;
}

static void copy_texts(struct stored_item *row, char *end)
{
    const char **texts[] = {&row->title, &row->text, &row->currency, &row->url, &row->categories, &row->tags, &row->attributes};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = copy_text(&end, *texts[i]);
}

static size_t row_text_bytes(const struct stored_item *row)
{
    return text_bytes(row->title) + text_bytes(row->text) + text_bytes(row->currency) + text_bytes(row->url) + text_bytes(row->categories) +
           text_bytes(row->tags) + text_bytes(row->attributes);
}

/* The categories of a row as a document, or NULL: none, or not a list of texts (a row of a damaged store has no categories, rather than no
 * start). */
static struct node *parse_categories(const struct stored_item *row)
{
    struct node *list = NULL;
    if (!row || !row->categories || node_parse(row->categories, strlen(row->categories), &list, NULL) != STATUS_OK)
        return NULL;
    bool is_good = node_kind(list) == NODE_ARRAY;
    for (size_t i = 0; is_good && i < node_count(list); i++)
        is_good = node_kind(node_at(list, i)) == NODE_TEXT;
    if (is_good)
        return list;
    node_destroy(list);
    return NULL;
}

static struct item *item_create(struct names *categories, uint32_t number, const char *item_id, const struct stored_item *row)
{
    SCOPED(node_destroy) struct node *list = parse_categories(row);
    uint32_t n_categories = list ? (uint32_t)node_count(list) : 0;
    struct item *item = malloc(sizeof *item + n_categories * sizeof(uint32_t) + (row ? row_text_bytes(row) : 0));
    if (!item)
        return NULL;
    uint32_t *numbers = (uint32_t *)(item + 1);
    *item = (struct item){.number = number, .item_id = item_id, .known = row != NULL, .n_categories = n_categories, .categories = numbers};
    item->row = row ? *row : (struct stored_item){.price = (double)NAN, .created_at_ms = INT64_MIN, .expires_at_ms = INT64_MIN};
    item->row.item = number;
    copy_texts(&item->row, (char *)(numbers + n_categories));
    for (uint32_t i = 0; i < n_categories; i++)
        if (names_add(categories, node_text(node_at(list, i), NULL), &numbers[i]) != STATUS_OK) {
            free(item);
            return NULL;
        }
    return item;
}

/* --- the table --- */

static enum status reserve(struct catalogue *catalogue, uint32_t item)
{
    struct table *old = atomic_load(&catalogue->table);
    if (item < old->capacity)
        return STATUS_OK;
    uint64_t capacity = old->capacity;
    while (capacity <= item)
        capacity *= 2;
    struct table *grown = capacity <= UINT32_MAX ? table_create((uint32_t)capacity) : NULL;
    if (!grown)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < old->capacity; i++)
        atomic_init(&grown->items[i], atomic_load(&old->items[i]));
    atomic_store(&catalogue->table, grown);
    epoch_retire(catalogue->epoch, old, free);
    return STATUS_OK;
}

enum status catalogue_prepare(struct catalogue *catalogue, uint32_t item, const char *item_id, const struct stored_item *row,
                              struct item **out_record)
{
    TRY(reserve(catalogue, item));
    struct item *record = item_create(catalogue->categories, item, item_id, row);
    if (!record)
        return STATUS_NOMEM;
    *out_record = record;
    return STATUS_OK;
}

void catalogue_publish(struct catalogue *catalogue, struct item *record)
{
    struct table *table = atomic_load(&catalogue->table);
    const struct item *old = atomic_exchange(&table->items[record->number], record);
    if (record->number >= atomic_load(&catalogue->count))
        atomic_store(&catalogue->count, record->number + 1);
    if (old)
        epoch_retire(catalogue->epoch, (void *)(size_t)old, free);
}

enum status catalogue_put(struct catalogue *catalogue, uint32_t item, const char *item_id, const struct stored_item *row)
{
    struct item *record = NULL;
    TRY(catalogue_prepare(catalogue, item, item_id, row, &record));
    catalogue_publish(catalogue, record);
    return STATUS_OK;
}

const struct item *catalogue_item(const struct catalogue *catalogue, uint32_t item)
{
    if (item >= atomic_load(&catalogue->count))
        return NULL;
    return atomic_load(&atomic_load(&catalogue->table)->items[item]);
}

uint32_t catalogue_count(const struct catalogue *catalogue)
{
    return atomic_load(&catalogue->count);
}

const struct names *catalogue_categories(const struct catalogue *catalogue)
{
    return catalogue->categories;
}
