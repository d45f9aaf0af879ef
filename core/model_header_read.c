/* Reading what a model's file says of itself. Everything must be there, of the right kind and within its limits. */
#include "core/base/node.h"
#include "core/base/utf8.h"
#include "core/model_header.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status read_integer(const struct node *object, const char *key, int64_t least, int64_t most, int64_t *out, struct error *error)
{
    const struct node *node = node_get(object, key);
    if (!node || node_kind(node) != NODE_INTEGER || node_integer(node) < least || node_integer(node) > most)
        return fail(error, STATUS_CORRUPT, "damaged: the header's %s is not an integer from %lld to %lld", key, (long long)least,
                    (long long)most);
    *out = node_integer(node);
    return STATUS_OK;
}

static enum status read_count(const struct node *object, const char *key, uint32_t least, uint32_t most, uint32_t *out, struct error *error)
{
    int64_t value = 0;
    TRY(read_integer(object, key, least, most, &value, error));
    *out = (uint32_t)value;
    return STATUS_OK;
}

static enum status read_number(const struct node *object, const char *key, double *out, struct error *error)
{
    const struct node *node = node_get(object, key);
    if (!node || (node_kind(node) != NODE_INTEGER && node_kind(node) != NODE_REAL) || !isfinite(node_number(node)) ||
        fabs(node_number(node)) > 1e30)
        return fail(error, STATUS_CORRUPT, "damaged: the header's %s is not a number", key);
    *out = node_number(node);
    return STATUS_OK;
}

static enum status read_text(const struct node *object, const char *key, char *out, size_t out_bytes, struct error *error)
{
    const struct node *node = node_get(object, key);
    size_t n_bytes = 0;
    const char *text = node && node_kind(node) == NODE_TEXT ? node_text(node, &n_bytes) : NULL;
    if (!text || n_bytes >= out_bytes)
        return fail(error, STATUS_CORRUPT, "damaged: the header's %s is not a text of less than %zu bytes", key, out_bytes);
    memcpy(out, text, n_bytes + 1);
    return STATUS_OK;
}

/* preset: what a file means that was written before there was that member. */
static enum status read_text_or(const struct node *object, const char *key, const char *preset, char *out, size_t out_bytes,
                                struct error *error)
{
    if (node_get(object, key))
        return read_text(object, key, out, out_bytes, error);
    memcpy(out, preset, strlen(preset) + 1);
    return STATUS_OK;
}

static enum status read_object(const struct node *object, const char *key, const struct node **out, struct error *error)
{
    const struct node *node = object ? node_get(object, key) : NULL;
    if (!node || node_kind(node) != NODE_OBJECT)
        return fail(error, STATUS_CORRUPT, "damaged: the header's %s is not an object", key);
    *out = node;
    return STATUS_OK;
}

static enum status read_shape(const struct node *facts, struct encoder_shape *out, struct error *error)
{
    const struct node *node = NULL;
    double temperature = 0;
    TRY(read_object(facts, "shape", &node, error));
    TRY(read_count(node, "n_items", 1, ITEMS_MAX, &out->n_items, error));
    TRY(read_count(node, "n_types", 1, EVENT_TYPES_MAX, &out->n_types, error));
    TRY(read_count(node, "width", 1, WIDTH_MAX, &out->width, error));
    TRY(read_count(node, "taps", 1, TAPS_MAX, &out->taps, error));
    TRY(read_count(node, "n_blocks", 0, BLOCKS_MAX, &out->n_blocks, error));
    TRY(read_count(node, "history", 1, HISTORY_MAX, &out->history, error));
    TRY(read_number(node, "temperature", &temperature, error));
    out->temperature = (float)temperature;
    if (!shape_is_sane(out))
        return fail(error, STATUS_CORRUPT, "damaged: the header's temperature is %g; it must not be negative", temperature);
    return STATUS_OK;
}

static enum status read_figures(const struct node *facts, struct method_figures out[METHODS], struct error *error)
{
    const struct node *all = NULL, *node = NULL;
    TRY(read_object(facts, "figures", &all, error));
    for (unsigned m = 0; m < METHODS; m++) {
        TRY(read_object(all, method_names[m], &node, error));
        for (size_t f = 0; f < FIGURES; f++) {
            double *figure = (double *)(void *)((char *)&out[m] + model_figures[f].offset);
            *figure = 0;
            if (!model_figures[f].may_be_missing || node_get(node, model_figures[f].name))
                TRY(read_number(node, model_figures[f].name, figure, error));
        }
    }
    return STATUS_OK;
}

/* A file that was written before there were any has none. */
static enum status read_returns(const struct node *facts, struct returns *out, struct error *error)
{
    const struct node *array = node_get(facts, "returns");
    *out = (struct returns){{0}};
    if (!array)
        return STATUS_OK;
    if (node_kind(array) != NODE_ARRAY || node_count(array) != RETURN_CLASSES)
        return fail(error, STATUS_CORRUPT, "damaged: the header's returns are not an array of %u numbers", RETURN_CLASSES);
    for (unsigned c = 0; c < RETURN_CLASSES; c++) {
        const struct node *node = node_at(array, c);
        bool is_number = node_kind(node) == NODE_INTEGER || node_kind(node) == NODE_REAL;
        if (!is_number || !(node_number(node) >= 0 && node_number(node) <= RETURNS_MOST))
            return fail(error, STATUS_CORRUPT, "damaged: number %u of the header's returns is not from 0 to %g", c + 1, RETURNS_MOST);
        out->weights[c] = (float)node_number(node);
    }
    return STATUS_OK;
}

static enum status read_facts(const struct node *node, struct model_header *out, struct error *error)
{
    struct model_facts *facts = &out->facts;
    int64_t number = 0;
    double weight = 0;
    TRY(read_shape(node, &facts->shape, error));
    TRY(read_integer(node, "seed", INT64_MIN, INT64_MAX, &number, error));
    facts->seed = (uint64_t)number;
    TRY(read_count(node, "epochs", 0, UINT32_MAX, &facts->epochs, error));
    TRY(read_integer(node, "n_events", 0, INT64_MAX, &number, error));
    facts->n_events = (uint64_t)number;
    TRY(read_count(node, "n_users", 0, UINT32_MAX, &facts->n_users, error));
    TRY(read_count(node, "n_held_out", 0, UINT32_MAX, &facts->n_held_out, error));
    TRY(read_integer(node, "first_at_ms", INT64_MIN, INT64_MAX, &facts->first_at_ms, error));
    TRY(read_integer(node, "last_at_ms", INT64_MIN, INT64_MAX, &facts->last_at_ms, error));
    TRY(read_text(node, "split", out->split, sizeof out->split, error));
    TRY(read_text(node, "code_version", out->code_version, sizeof out->code_version, error));
    TRY(read_number(node, "neighbours_weight", &weight, error));
    facts->neighbours_weight = (float)weight;
    TRY(read_returns(node, &facts->returns, error));
    TRY(read_text_or(node, "role", "selected", out->role, sizeof out->role, error));
    TRY(read_text_or(node, "selected_version", "", out->selected_version, sizeof out->selected_version, error));
    return read_figures(node, facts->figures, error);
}

static enum status parse_object(const char *words, const char *what, struct node **out, struct error *error)
{
    struct error reason = {.detail = ""};
    enum status status = node_parse(words, strlen(words), out, &reason);
    if (status == STATUS_NOMEM)
        return fail(error, status, "no memory to read the header");
    if (status != STATUS_OK || node_kind(*out) != NODE_OBJECT)
        return fail(error, STATUS_CORRUPT, "damaged: the header's %s are not a JSON object: %.160s", what, reason.detail);
    return STATUS_OK;
}

/* A copy of a text that must be a JSON object, as it will be shown inside of others. */
static enum status keep_object(const char *words, const char *what, char **out, struct error *error)
{
    SCOPED(node_destroy) struct node *object = NULL;
    TRY(parse_object(words, what, &object, error));
    *out = strdup(words);
    return *out ? STATUS_OK : fail(error, STATUS_NOMEM, "no memory to read the header");
}

void model_header_clear(struct model_header *header)
{
    free(header->settings);
    free(header->report);
    *header = (struct model_header){0};
}

static void model_header_clear_scoped(struct model_header *header)
{
    model_header_clear(header);
}

enum status model_header_read(const char *facts_text, const char *settings, const char *report, struct model_header *out_header,
                              struct error *error)
{
    SCOPED(model_header_clear) struct model_header read = {0};
    SCOPED(node_destroy) struct node *node = NULL;
    TRY(parse_object(facts_text, "facts", &node, error));
    TRY(keep_object(settings, "settings", &read.settings, error));
    TRY(keep_object(report ? report : "{}", "reports", &read.report, error));
    TRY(read_facts(node, &read, error));
    *out_header = read;
    read.settings = read.report = NULL;
    struct model_facts *facts = &out_header->facts;
    facts->split = out_header->split;
    facts->code_version = out_header->code_version;
    facts->role = out_header->role;
    facts->selected_version = out_header->selected_version;
    facts->settings = out_header->settings;
    facts->report = out_header->report;
    return STATUS_OK;
}

enum status placement_read(const char *content, const struct encoder_shape *encoder, struct content_placement *out_placement,
                           struct error *error)
{
    SCOPED(node_destroy) struct node *node = NULL;
    struct content_placement read = {.evidence = {.width = encoder->width, .is_tempered = encoder->temperature > 0}};
    struct content_shape shape = {.width = encoder->width};
    struct error reason = {.detail = ""};
    double length = 0, k = 0, shift = 0;
    TRY(parse_object(content, "content", &node, error));
    TRY(read_text(node, "picture_version", read.picture_version, sizeof read.picture_version, error));
    TRY(read_count(node, "picture_width", 0, CONTENT_PICTURE_MAX, &shape.picture_width, error));
    TRY(read_count(node, "n_buckets", 2, TEXT_FLOATS_MAX, &shape.n_buckets, error));
    TRY(read_count(node, "embedding", 1, TEXT_SIDE_MAX, &shape.embedding, error));
    TRY(read_count(node, "channels", 1, TEXT_SIDE_MAX, &shape.channels, error));
    TRY(read_count(node, "max_words", 1, TEXT_WORDS_MAX, &shape.max_words, error));
    TRY(read_count(node, "max_features", 1, WORD_FEATURES_MAX, &shape.max_features, error));
    TRY(read_count(node, "max_bytes", 1, TEXT_BYTES_MAX, &shape.max_bytes, error));
    TRY(read_number(node, "length", &length, error));
    TRY(read_number(node, "k", &k, error));
    TRY(read_number(node, "shift", &shift, error));
    if (length < 0 || k < 0)
        return fail(error, STATUS_CORRUPT, "damaged: the header's length %g or k %g is negative", length, k);
    if (content_tower_init(&read.tower, &shape, &reason) != STATUS_OK)
        return fail(error, STATUS_CORRUPT, "damaged: the header's content: %.200s", reason.detail);
    read.evidence.length = (float)length;
    read.evidence.k = (float)k;
    read.evidence.shift = (float)shift;
    *out_placement = read;
    return STATUS_OK;
}
