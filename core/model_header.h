/* The JSON header of a model file: made from facts, and read back from bytes that nobody is to be trusted about.
 *
 * Data behind it, without gaps: vocabulary.ends (I64 [V], where each id ends), the tensors of core/tensors.h (F32), vocabulary.bytes (U8).
 * A header of any other form (another order, another tensor, another format) is foreign. Threads: any. */
#ifndef CORE_MODEL_HEADER_H
#define CORE_MODEL_HEADER_H

#include "core/tensors.h"
#include "core/training_settings.h"

#define MODEL_FORMAT     "behaviour-encoder 1"
#define HEADER_MAX_BYTES (1u << 20)
#define CHECKSUM_BYTES   32
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
    char checksum[2 * CHECKSUM_BYTES + 1]; /* hex */
    uint64_t vocabulary_bytes, data_bytes; /* of the ids; of everything behind the header */
};

/* Hex of the BLAKE2b-256 hash of the texts of facts, settings and report (NULL: a file from before there were reports): what protects the
 * header itself, which the checksum of the data does not. */
void facts_checksum(const char *facts, const char *settings, const char *report, char out_digits[2 * CHECKSUM_BYTES + 1]);

/* Append the header, padded with blanks to a multiple of 8. */
void model_header_write(const struct model_facts *facts, const struct tensors *tensors, uint64_t vocabulary_bytes,
                        const unsigned char checksum[CHECKSUM_BYTES], struct buffer *out);

/* Read it and the table of tensors that its shape means; the caller clears the header. STATUS_CORRUPT with the reason, STATUS_NOMEM. */
enum status model_header_read(const char *bytes, size_t n_bytes, struct model_header *out_header, struct tensors *out_tensors,
                              struct error *error) MUST_CHECK;

void model_header_clear(struct model_header *header);

/* facts as one JSON object; is_whole: with version, settings and report, as the registry has them. */
void model_facts_emit(const struct model_facts *facts, bool is_whole, struct buffer *out);

#endif
