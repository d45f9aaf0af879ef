/* The words of a picture model's file: facts and layers as JSON, and back. The own piece of core/picture_model.h. Threads: any. */
#ifndef CORE_PICTURE_FILE_H
#define CORE_PICTURE_FILE_H

#include "core/base/arena.h"
#include "core/picture_model.h"

#define PICTURE_FORMAT "picture-network 1"

/* Append facts (without version and report) and layers as one JSON object. */
void picture_facts_emit(const struct picture_facts *facts, const struct layers *layers, struct buffer *out);

/* The same with version and report. */
void picture_facts_emit_whole(const struct picture_facts *facts, const struct layers *layers, struct buffer *out);

/* Read them back; texts live in the arena. STATUS_CORRUPT says what is wrong, STATUS_NOMEM. */
enum status picture_facts_read(const char *text, struct arena *arena, struct picture_facts *out_facts, struct layers *out_layers,
                               struct error *error) MUST_CHECK;

/* Do layers end as a picture model's must, and are there only kinds that a file has? NULL, or what is wrong. */
const char *picture_layers_fault(const struct layers *layers, uint32_t n_categories);

/* The tensors of the file, and where each stands in the weights: at [tensors' n]. */
void picture_file_tensors(const struct layers *layers, struct file_tensors *out, size_t at[FILE_TENSORS_MAX]);

#endif
