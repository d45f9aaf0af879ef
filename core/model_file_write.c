/* A model's draft: the vocabulary as two tensors around the network's, and the facts as texts. */
#include "core/base/utf8.h"
#include "core/model_file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(FILE_VERSION_BYTES == MODEL_VERSION_BYTES, "a model's version is its file's");
static_assert(FILE_TENSORS_MAX >= TENSORS_MAX + CONTENT_TENSORS_MAX + 2, "all tensors and the vocabulary");

struct model_draft {
    struct buffer vocabulary;
    int64_t *ends; /* [V] of the vocabulary's ids */
    struct file_tensors tensors;
    struct file_draft *file;
};

void model_draft_destroy(struct model_draft *draft)
{
    if (!draft)
        return;
    file_draft_destroy(draft->file);
    buffer_clear(&draft->vocabulary);
    free(draft->ends);
    free(draft);
}

/* Append all ids to out, and where each ends to ends[n_items]. */
static enum status join_vocabulary(const char *const item_ids[], uint32_t n_items, struct buffer *out, int64_t ends[], struct error *error)
{
    SCOPED(names_destroy) struct names *names = names_create();
    if (!names)
        return fail(error, STATUS_NOMEM, "no memory for the vocabulary");
    for (uint32_t i = 0; i < n_items; i++) {
        uint32_t number = 0;
        if (!item_ids[i] || !utf8_is_id(item_ids[i], strlen(item_ids[i])))
            return fail(error, STATUS_INVALID, "item %u of the vocabulary has no valid id", i);
        if (names_add(names, item_ids[i], &number) != STATUS_OK)
            return fail(error, STATUS_NOMEM, "no memory for the vocabulary");
        if (number != i)
            return fail(error, STATUS_INVALID, "items %u and %u of the vocabulary have the same id", number, i);
        buffer_append_text(out, item_ids[i]);
        ends[i] = (int64_t)out->n_bytes;
    }
    return buffer_finish(out, error);
}

/* data [n] = the tensors in the order of model_file_tensors. */
static void point_at_tensors(const struct model_draft *draft, const struct model_parts *parts, const void *data[FILE_TENSORS_MAX])
{
    struct tensor placed[CONTENT_TENSORS_MAX];
    unsigned n = 0, n_placed = parts->placement ? content_tensors(&parts->placement->tower, placed) : 0;
    data[n++] = draft->ends;
    for (uint32_t t = 0; t < parts->tensors->n_tensors; t++)
        data[n++] = parts->weights + parts->tensors->tensors[t].first;
    for (unsigned t = 0; t < n_placed; t++)
        data[n++] = parts->placement->weights + placed[t].first;
    data[n] = draft->vocabulary.bytes;
}

static enum status fill_draft(struct model_draft *draft, const struct model_parts *parts, struct error *error)
{
    const struct model_facts *facts = parts->facts;
    SCOPED(buffer_clear) struct buffer text, content;
    const void *data[FILE_TENSORS_MAX];
    buffer_init(&text, HEADER_MAX_BYTES);
    buffer_init(&content, HEADER_MAX_BYTES);
    model_facts_emit(facts, false, &text);
    TRY(buffer_finish(&text, error));
    if (parts->placement)
        placement_emit(parts->placement, &content);
    TRY(buffer_finish(&content, error));
    const struct file_text texts[] = {
        {"facts", text.bytes}, {"settings", facts->settings}, {"report", facts->report}, {"content", content.bytes}};
    point_at_tensors(draft, parts, data);
    model_file_tensors(parts->tensors, parts->placement, facts->shape.n_items, draft->vocabulary.n_bytes, &draft->tensors);
    return file_draft_create('m', MODEL_FORMAT, texts, parts->placement ? 4 : 3, &draft->tensors, data, &draft->file, error);
}

enum status model_draft_create(const struct model_parts *parts, struct model_draft **out_draft, struct error *error)
{
    uint32_t n_items = parts->facts->shape.n_items;
    SCOPED(model_draft_destroy) struct model_draft *draft = calloc(1, sizeof *draft);
    if (!draft)
        return fail(error, STATUS_NOMEM, "no memory for a model file");
    buffer_init(&draft->vocabulary, (size_t)n_items * ID_MAX_BYTES);
    draft->ends = calloc(n_items, sizeof *draft->ends);
    if (!draft->ends)
        return fail(error, STATUS_NOMEM, "no memory for the vocabulary");
    TRY(join_vocabulary(parts->item_ids, n_items, &draft->vocabulary, draft->ends, error));
    TRY(fill_draft(draft, parts, error));
    *out_draft = draft;
    draft = NULL;
    return STATUS_OK;
}

const char *model_draft_version(const struct model_draft *draft)
{
    return file_draft_version(draft->file);
}

enum status model_draft_write(const struct model_draft *draft, const char *directory, struct error *error)
{
    return file_draft_write(draft->file, directory, error);
}

enum status model_file_write(const char *directory, const struct model_parts *parts, char out_version[MODEL_VERSION_BYTES],
                             struct error *error)
{
    SCOPED(model_draft_destroy) struct model_draft *draft = NULL;
    TRY(model_draft_create(parts, &draft, error));
    TRY(model_draft_write(draft, directory, error));
    memcpy(out_version, model_draft_version(draft), MODEL_VERSION_BYTES);
    return STATUS_OK;
}
