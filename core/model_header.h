/* What the header of a behaviour model's file says: facts, settings, report and (if it has a tower) content as texts, and the tensors that
 * the shapes mean.
 *
 * Data behind it (core/safetensors.h): vocabulary.ends (I64 [V], where each id ends), the tensors of core/tensors.h and of
 * core/content_tower.h (F32), vocabulary.bytes (U8). Threads: any. */
#ifndef CORE_MODEL_HEADER_H
#define CORE_MODEL_HEADER_H

#include "core/content_placement.h"
#include "core/safetensors.h"
#include "core/tensors.h"
#include "core/training_settings.h"

#define MODEL_FORMAT     "behaviour-encoder 1"
#define VOCABULARY_ENDS  "vocabulary.ends"
#define VOCABULARY_BYTES "vocabulary.bytes"

/* The figures by name. */
struct figure {
    const char *name;
    size_t offset;       /* in struct method_figures */
    bool may_be_missing; /* older files do not have it: reads as 0 */
};
#define FIGURES 9
extern const struct figure model_figures[FIGURES];

struct model_header {
    struct model_facts facts; /* its texts are those below; no version */
    char split[16], code_version[32], role[16], selected_version[MODEL_VERSION_BYTES];
    char *settings, *report;
};

/* facts, settings and report as they stand in a file, report NULL: the file is from before there were any. The caller clears the header.
 * STATUS_CORRUPT with the reason, STATUS_NOMEM. */
enum status model_header_read(const char *facts, const char *settings, const char *report, struct model_header *out_header,
                              struct error *error) MUST_CHECK;

void model_header_clear(struct model_header *header);

/* What stands in a file of a placement besides its tensors, as one JSON object. */
void placement_emit(const struct content_placement *placement, struct buffer *out);

/* The same read, for an encoder of that shape: a placement without weights. STATUS_CORRUPT with the reason, STATUS_NOMEM. */
enum status placement_read(const char *content, const struct encoder_shape *shape, struct content_placement *out_placement,
                           struct error *error) MUST_CHECK;

/* The tensors of a file for that shape, with a vocabulary of so many bytes. placement NULL: it has none. */
void model_file_tensors(const struct tensors *tensors, const struct content_placement *placement, uint32_t n_items,
                        uint64_t vocabulary_bytes, struct file_tensors *out);

/* facts as one JSON object; is_whole: with version, settings and report, as the registry has them. */
void model_facts_emit(const struct model_facts *facts, bool is_whole, struct buffer *out);

#endif
