/* Model files: writing one that is whole or not there, and reading one that nobody is to be trusted about. The format stands in
 * core/model.h and core/model_header.h. Threads: any. */
#ifndef CORE_MODEL_FILE_H
#define CORE_MODEL_FILE_H

#include "core/base/names.h"
#include "core/model_header.h"

/* Write DIRECTORY/<version>.safetensors: facts (without version), weights as tensors says, the vocabulary item_ids[V]. settings (for
 * people) may be NULL. If the file is there already and whole, that is success: the name is a hash of the content. STATUS_INVALID: an item
 * id is no id, or there twice. STATUS_IO (nothing is left behind), STATUS_NOMEM. */
enum status model_file_write(const char *directory, const struct model_facts *facts, const struct training_settings *settings,
                             const struct tensors *tensors, const float *weights, const char *const item_ids[],
                             char out_version[MODEL_VERSION_BYTES], struct error *error) MUST_CHECK;

/* What a file holds. */
struct model_content {
    struct model_header header; /* its facts have the version of the bytes that were read */
    struct tensors tensors;
    float *weights;      /* [n_floats], 64-byte aligned; gaps are 0 */
    struct names *names; /* number = item */
};

/* Read and check a whole file into a zeroed content; what was taken is in it on failure too, to be cleared. Failures as model_open. */
enum status model_file_read(const char *path, struct model_content *content, struct error *error) MUST_CHECK;
void model_content_clear(struct model_content *content);

/* The version that a file has whose bytes have this BLAKE2b-256 hash. */
void model_version_format(const unsigned char hash[CHECKSUM_BYTES], char out_version[MODEL_VERSION_BYTES]);

#endif
