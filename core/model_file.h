/* Model files: writing one that is whole or not there, and reading one that nobody is to be trusted about. The format stands in
 * core/model.h, core/model_header.h and core/safetensors.h. Threads: any. */
#ifndef CORE_MODEL_FILE_H
#define CORE_MODEL_FILE_H

#include "core/base/names.h"
#include "core/content_placement.h"
#include "core/model_header.h"

/* A file that is known to the last byte but not written yet: its version can be told to others before it appears. */
struct model_draft;

/* What goes into a file. Borrowed. */
struct model_parts {
    const struct model_facts *facts; /* without version */
    const struct tensors *tensors;
    const float *weights;                      /* as tensors says */
    const struct content_placement *placement; /* NULL: none */
    const char *const *item_ids;               /* [V] the vocabulary */
};

/* Borrows the weights and the placement's for its life. STATUS_INVALID: an item id is no id, or there twice. STATUS_NOMEM. */
enum status model_draft_create(const struct model_parts *parts, struct model_draft **out_draft, struct error *error) MUST_CHECK;
void model_draft_destroy(struct model_draft *draft);
DEFINE_SCOPED(struct model_draft *, model_draft_destroy);

const char *model_draft_version(const struct model_draft *draft);

/* Write DIRECTORY/<version>.safetensors: temporary name, fsync, rename, fsync of the directory. If the file is there already and whole,
 * that is success: the name is a hash of the content. STATUS_IO: nothing is left behind. */
enum status model_draft_write(const struct model_draft *draft, const char *directory, struct error *error) MUST_CHECK;

/* Both in one. */
enum status model_file_write(const char *directory, const struct model_parts *parts, char out_version[MODEL_VERSION_BYTES],
                             struct error *error) MUST_CHECK;

/* What a file holds. */
struct model_content {
    struct model_header header; /* its facts have the version of the bytes that were read */
    struct tensors tensors;
    float *weights;                     /* [n_floats], 64-byte aligned; gaps are 0 */
    struct names *names;                /* number = item */
    struct content_placement placement; /* zeros: it has none */
};

/* Read and check a whole file into a zeroed content; what was taken is in it on failure too, to be cleared. Failures as model_open. */
enum status model_file_read(const char *path, struct model_content *content, struct error *error) MUST_CHECK;
void model_content_clear(struct model_content *content);

#endif
