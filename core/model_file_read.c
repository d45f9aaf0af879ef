/* The shape says which tensors there must be; only the length of the vocabulary is the file's own. */
#include "core/base/floats.h"
#include "core/base/utf8.h"
#include "core/model_file.h"

#include <stdlib.h>
#include <string.h>

void model_content_clear(struct model_content *content)
{
    free(content->weights);
    names_destroy(content->names);
    content_placement_clear(&content->placement);
    model_header_clear(&content->header);
    *content = (struct model_content){0};
}

static enum status read_weights(struct file_reader *reader, struct model_content *content, struct error *error)
{
    const struct tensors *tensors = &content->tensors;
    content->weights = aligned_floats(tensors->n_floats);
    if (!content->weights)
        return fail(error, STATUS_NOMEM, "no memory for a model of %zu floats", tensors->n_floats);
    memset(content->weights, 0, tensors->n_floats * sizeof *content->weights);
    for (uint32_t t = 0; t < tensors->n_tensors; t++)
        TRY(file_reader_next(reader, content->weights + tensors->tensors[t].first, error));
    return STATUS_OK;
}

/* After the network's; a placement that is there has a tower but no weights yet. */
static enum status read_placement(struct file_reader *reader, struct content_placement *placement, struct error *error)
{
    struct tensor table[CONTENT_TENSORS_MAX];
    unsigned n = content_tensors(&placement->tower, table);
    placement->weights = aligned_floats(placement->tower.n_floats);
    if (!placement->weights)
        return fail(error, STATUS_NOMEM, "no memory for a content tower of %zu floats", placement->tower.n_floats);
    memset(placement->weights, 0, placement->tower.n_floats * sizeof *placement->weights);
    for (unsigned t = 0; t < n; t++)
        TRY(file_reader_next(reader, placement->weights + table[t].first, error));
    return STATUS_OK;
}

static enum status check_vocabulary(const int64_t ends[], const char bytes[], uint64_t n_bytes, struct model_content *content,
                                    struct error *error)
{
    uint32_t n_items = content->header.facts.shape.n_items;
    int64_t at = 0;
    content->names = names_create();
    if (!content->names)
        return fail(error, STATUS_NOMEM, "no memory for the vocabulary");
    for (uint32_t i = 0; i < n_items; i++) {
        char id[ID_MAX_BYTES + 1];
        uint32_t number = 0;
        if (ends[i] <= at || ends[i] - at > ID_MAX_BYTES || ends[i] > (int64_t)n_bytes || !utf8_is_id(bytes + at, (size_t)(ends[i] - at)))
            return fail(error, STATUS_CORRUPT, "damaged: item %u of the vocabulary has no valid id", i);
        memcpy(id, bytes + at, (size_t)(ends[i] - at));
        id[ends[i] - at] = '\0';
        if (names_add(content->names, id, &number) != STATUS_OK)
            return fail(error, STATUS_NOMEM, "no memory for the vocabulary");
        if (number != i)
            return fail(error, STATUS_CORRUPT, "damaged: items %u and %u of the vocabulary have the same id", number, i);
        at = ends[i];
    }
    if (at != (int64_t)n_bytes)
        return fail(error, STATUS_CORRUPT, "damaged: the vocabulary's last id ends at byte %lld of %llu", (long long)at,
                    (unsigned long long)n_bytes);
    return STATUS_OK;
}

static enum status read_data(struct file_reader *reader, uint64_t vocabulary_bytes, bool is_placed, struct model_content *content,
                             struct error *error)
{
    uint32_t n_items = content->header.facts.shape.n_items;
    SCOPED(memory_free) int64_t *ends = calloc(n_items, sizeof *ends);
    SCOPED(memory_free) char *bytes = malloc(vocabulary_bytes);
    if (!ends || !bytes)
        return fail(error, STATUS_NOMEM, "no memory for the vocabulary");
    TRY(file_reader_next(reader, ends, error));
    TRY(read_weights(reader, content, error));
    if (is_placed)
        TRY(read_placement(reader, &content->placement, error));
    TRY(file_reader_next(reader, bytes, error));
    TRY(file_reader_finish(reader, 'm', content->header.facts.version, error));
    return check_vocabulary(ends, bytes, vocabulary_bytes, content, error);
}

static enum status check_tensors(struct file_reader *reader, const struct model_content *content, const struct content_placement *placement,
                                 uint64_t *out_vocabulary_bytes, struct error *error)
{
    uint32_t n_items = content->header.facts.shape.n_items;
    SCOPED(memory_free) struct file_tensors *expected = malloc(sizeof *expected);
    uint64_t n_bytes = 0;
    if (!expected)
        return fail(error, STATUS_NOMEM, "no memory to read the header");
    TRY(file_reader_count(reader, VOCABULARY_BYTES, n_items, (uint64_t)n_items * ID_MAX_BYTES, &n_bytes, error));
    model_file_tensors(&content->tensors, placement, n_items, n_bytes, expected);
    TRY(file_reader_check(reader, expected, error));
    *out_vocabulary_bytes = n_bytes;
    return STATUS_OK;
}

enum status model_file_read(const char *path, struct model_content *content, struct error *error)
{
    static const struct file_key keys[] = {{"facts", false}, {"settings", false}, {"report", true}, {"content", true}};
    SCOPED(file_reader_close) struct file_reader *reader = NULL;
    uint64_t vocabulary_bytes = 0;
    TRY(file_reader_open(path, MODEL_FORMAT, keys, 4, &reader, error));
    TRY(model_header_read(file_reader_text(reader, 0), file_reader_text(reader, 1), file_reader_text(reader, 2), &content->header, error));
    const char *placed = file_reader_text(reader, 3);
    if (placed)
        TRY(placement_read(placed, &content->header.facts.shape, &content->placement, error));
    tensors_init(&content->tensors, &content->header.facts.shape);
    TRY(check_tensors(reader, content, placed ? &content->placement : NULL, &vocabulary_bytes, error));
    return read_data(reader, vocabulary_bytes, placed != NULL, content, error);
}
