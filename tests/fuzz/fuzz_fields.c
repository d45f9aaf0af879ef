/* Objects of any shape against the field tables: a mistake is always told, and what is accepted keeps the promises of its table. */
#include "core/base/utf8.h"
#include "server/wire/event_input.h"
#include "server/wire/item_input.h"
#include "server/wire/user_input.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static const struct fields *const tables[] = {&event_input_fields, &item_input_fields, &user_input_fields};

static void check_mistakes(enum status status, const struct mistakes *mistakes)
{
    assert(status == STATUS_OK || status == STATUS_INVALID || status == STATUS_NOMEM);
    assert((status == STATUS_INVALID) == (mistakes->n_mistakes > 0));
    for (size_t i = 0; i < mistakes->n_mistakes; i++)
        assert(utf8_valid(mistakes->mistakes[i].pointer, strlen(mistakes->mistakes[i].pointer)) && mistakes->mistakes[i].detail[0]);
}

static void read_object(const struct node *object, struct arena *arena)
{
    union {
        struct event_input event;
        struct item_input item;
        struct user_input user;
    } record;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        struct mistakes mistakes = {.n_mistakes = 0};
        enum status status = fields_read(tables[i], object, "/0", arena, &record, NULL, &mistakes);
        check_mistakes(status, &mistakes);
        if (status == STATUS_OK && i == 0)
            assert(utf8_is_id(record.event.user_id, strlen(record.event.user_id)) && !isinf(record.event.value) &&
                   record.event.position >= -1);
    }
}

/* The same bytes as a cell of every column. */
static void read_cells(const char *text, struct arena *arena)
{
    char record[sizeof(struct event_input) + sizeof(struct item_input)];
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        for (size_t j = 0; j < tables[i]->n_fields; j++) {
            struct mistakes mistakes = {.n_mistakes = 0};
            check_mistakes(field_read_text(&tables[i]->fields[j], text, '|', "", arena, record, &mistakes), &mistakes);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct node *document = NULL;
    struct arena *arena = arena_create(4096, 1 << 22);
    char *text = calloc(1, n_bytes + 1);
    if (n_bytes)
        memcpy(text, bytes, n_bytes);
    read_cells(text, arena);
    if (node_parse(text, n_bytes, &document, NULL) == STATUS_OK)
        read_object(document, arena);
    node_destroy(document);
    arena_destroy(arena);
    free(text);
    return 0;
}
