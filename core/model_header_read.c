/* Reading the header of a model file. Everything must be there, of the right kind and within its limits, and the tensors must stand exactly
 * as the shape says: offsets are compared with the ones that this program would write, so gaps, overlaps and strangers all show. */
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
    TRY(read_text_or(node, "role", "selected", out->role, sizeof out->role, error));
    TRY(read_text_or(node, "selected_version", "", out->selected_version, sizeof out->selected_version, error));
    return read_figures(node, facts->figures, error);
}

/* Does the header's entry of that name say kind, shape and exactly the offsets from *at on? */
static enum status check_entry(const struct node *header, const char *name, const char *kind, uint64_t rows, uint64_t columns,
                               size_t value_bytes, uint64_t *at, struct error *error)
{
    const struct node *entry = NULL;
    char said[8];
    uint64_t n_bytes = rows * (columns ? columns : 1) * value_bytes;
    TRY(read_object(header, name, &entry, error));
    TRY(read_text(entry, "dtype", said, sizeof said, error));
    if (strcmp(said, kind) != 0)
        return fail(error, STATUS_CORRUPT, "damaged: tensor %s is of type %s, expected %s", name, said, kind);
    const struct node *shape = node_get(entry, "shape"), *offsets = node_get(entry, "data_offsets");
    const uint64_t sides[] = {rows, columns};
    size_t n_sides = columns ? 2 : 1;
    bool right = shape && node_kind(shape) == NODE_ARRAY && node_count(shape) == n_sides;
    for (size_t i = 0; right && i < n_sides; i++)
        right = node_kind(node_at(shape, i)) == NODE_INTEGER && node_integer(node_at(shape, i)) == (int64_t)sides[i];
    if (!right)
        return fail(error, STATUS_CORRUPT, "damaged: tensor %s has another shape than [%llu%s%.0llu]", name, (unsigned long long)rows,
                    columns ? ", " : "", (unsigned long long)columns);
    right = offsets && node_kind(offsets) == NODE_ARRAY && node_count(offsets) == 2;
    for (size_t i = 0; right && i < 2; i++)
        right = node_kind(node_at(offsets, i)) == NODE_INTEGER && node_integer(node_at(offsets, i)) == (int64_t)(*at + i * n_bytes);
    if (!right)
        return fail(error, STATUS_CORRUPT, "damaged: tensor %s does not lie at bytes %llu to %llu of the data", name,
                    (unsigned long long)*at, (unsigned long long)(*at + n_bytes));
    *at += n_bytes;
    return STATUS_OK;
}

/* The length of the vocabulary is the one thing that the shape does not say. */
static enum status read_vocabulary_bytes(const struct node *header, uint64_t n_items, uint64_t *out, struct error *error)
{
    const struct node *entry = NULL;
    TRY(read_object(header, VOCABULARY_BYTES, &entry, error));
    const struct node *shape = node_get(entry, "shape");
    const struct node *side = shape && node_kind(shape) == NODE_ARRAY && node_count(shape) == 1 ? node_at(shape, 0) : NULL;
    int64_t most = (int64_t)n_items * ID_MAX_BYTES;
    if (!side || node_kind(side) != NODE_INTEGER || node_integer(side) < (int64_t)n_items || node_integer(side) > most)
        return fail(error, STATUS_CORRUPT, "damaged: %s does not have from %llu to %lld bytes", VOCABULARY_BYTES,
                    (unsigned long long)n_items, (long long)most);
    *out = (uint64_t)node_integer(side);
    return STATUS_OK;
}

static enum status check_entries(const struct node *header, const struct tensors *tensors, struct model_header *out, struct error *error)
{
    uint64_t at = 0;
    uint32_t n_items = out->facts.shape.n_items;
    TRY(check_entry(header, VOCABULARY_ENDS, "I64", n_items, 0, sizeof(int64_t), &at, error));
    for (uint32_t t = 0; t < tensors->n_tensors; t++)
        TRY(check_entry(header, tensors->tensors[t].name, "F32", tensors->tensors[t].rows, tensors->tensors[t].columns, sizeof(float), &at,
                        error));
    TRY(read_vocabulary_bytes(header, n_items, &out->vocabulary_bytes, error));
    TRY(check_entry(header, VOCABULARY_BYTES, "U8", out->vocabulary_bytes, 0, 1, &at, error));
    out->data_bytes = at;
    if (node_count(header) != tensors->n_tensors + 3)
        return fail(error, STATUS_CORRUPT, "foreign: the header has %zu entries, expected %u", node_count(header), tensors->n_tensors + 3);
    return STATUS_OK;
}

/* --- the metadata --- */

#define METADATA_MEMBERS 5 /* and a report, unless the file is from before there were any */

static enum status get_text(const struct node *object, const char *key, const char **out, struct error *error)
{
    const struct node *node = node_get(object, key);
    if (!node || node_kind(node) != NODE_TEXT)
        return fail(error, STATUS_CORRUPT, "damaged: the header's %s are missing", key);
    *out = node_text(node, NULL);
    return STATUS_OK;
}

struct metadata {
    const char *facts, *settings, *report; /* report NULL: none */
};

/* The texts, whole and with the right checksum, into a zeroed out. */
static enum status check_metadata(const struct node *header, struct metadata *out, char out_checksum[2 * CHECKSUM_BYTES + 1],
                                  struct error *error)
{
    const struct node *metadata = node_kind(header) == NODE_OBJECT ? node_get(header, "__metadata__") : NULL;
    const struct node *format = metadata && node_kind(metadata) == NODE_OBJECT ? node_get(metadata, "format") : NULL;
    char digits[2 * CHECKSUM_BYTES + 1], expected[2 * CHECKSUM_BYTES + 1];
    if (!format || node_kind(format) != NODE_TEXT || strcmp(node_text(format, NULL), MODEL_FORMAT) != 0)
        return fail(error, STATUS_CORRUPT, "foreign: the header's format is not \"%s\"", MODEL_FORMAT);
    TRY(get_text(metadata, "facts", &out->facts, error));
    TRY(get_text(metadata, "settings", &out->settings, error));
    if (node_get(metadata, "report"))
        TRY(get_text(metadata, "report", &out->report, error));
    TRY(read_text(metadata, "facts_checksum", digits, sizeof digits, error));
    facts_checksum(out->facts, out->settings, out->report, expected);
    if (strcmp(digits, expected) != 0)
        return fail(error, STATUS_CORRUPT, "damaged: the checksum of the header's facts is wrong");
    TRY(read_text(metadata, "checksum", out_checksum, 2 * CHECKSUM_BYTES + 1, error));
    size_t n_members = METADATA_MEMBERS + (out->report != NULL);
    if (node_count(metadata) != n_members)
        return fail(error, STATUS_CORRUPT, "foreign: the header's metadata have %zu members, expected %zu", node_count(metadata),
                    n_members);
    return STATUS_OK;
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

static enum status read_metadata(const struct node *header, struct model_header *out, struct error *error)
{
    struct metadata metadata = {0};
    SCOPED(node_destroy) struct node *facts = NULL;
    TRY(check_metadata(header, &metadata, out->checksum, error));
    TRY(parse_object(metadata.facts, "facts", &facts, error));
    TRY(keep_object(metadata.settings, "settings", &out->settings, error));
    TRY(keep_object(metadata.report ? metadata.report : "{}", "reports", &out->report, error));
    return read_facts(facts, out, error);
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

enum status model_header_read(const char *bytes, size_t n_bytes, struct model_header *out_header, struct tensors *out_tensors,
                              struct error *error)
{
    SCOPED(node_destroy) struct node *header = NULL;
    SCOPED(model_header_clear) struct model_header read = {0};
    struct error reason = {.detail = ""};
    struct tensors tensors;
    enum status status = node_parse(bytes, n_bytes, &header, &reason);
    if (status == STATUS_NOMEM)
        return fail(error, status, "no memory to read the header");
    if (status != STATUS_OK)
        return fail(error, STATUS_CORRUPT, "damaged or foreign: the header is not JSON: %.160s", reason.detail);
    TRY(read_metadata(header, &read, error));
    tensors_init(&tensors, &read.facts.shape);
    TRY(check_entries(header, &tensors, &read, error));
    *out_tensors = tensors;
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
