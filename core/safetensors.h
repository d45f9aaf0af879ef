/* Safetensors: the file format of every model. A 64-bit little-endian length, a JSON header of that length, the tensors without gaps.
 *
 * What all of them have in common stands here: a header whose "__metadata__" has the format's name, a checksum of the data (BLAKE2b-256 of
 * everything behind the header), one of the texts, and the texts themselves (facts, settings, whatever the format has, JSON or not); a
 * version that is a letter and 16 hex digits of the hash of the whole file, which is its name too; writing that leaves the whole file or
 * nothing; reading that trusts no one: the file's length is compared with what the header says before memory is taken, and tensors must
 * stand exactly where this program would have put them. What a file means is the business of its format (core/model_file.h,
 * core/picture_file.h). Threads: any, one at a time for a draft or a reader. */
#ifndef CORE_SAFETENSORS_H
#define CORE_SAFETENSORS_H

#include "core/base/buffer.h"
#include "core/base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define HEADER_MAX_BYTES   (1u << 20)
#define CHECKSUM_BYTES     32
#define FILE_VERSION_BYTES 18 /* a letter, 16 digits, NUL */
#define FILE_TEXTS_MAX     4u
#define FILE_TENSORS_MAX   192u
#define FILE_SIDES_MAX     4u
#define FILE_NAME_BYTES    40

enum file_type { FILE_F32, FILE_I64, FILE_U8 };

struct file_tensor {
    char name[FILE_NAME_BYTES];
    enum file_type type;
    unsigned n_sides;
    uint64_t sides[FILE_SIDES_MAX];
};

/* Tensors in the order of the file. */
struct file_tensors {
    unsigned n_tensors;
    struct file_tensor tensors[FILE_TENSORS_MAX];
};

/* One more, at most FILE_TENSORS_MAX. columns 0: one side. */
void file_tensors_add(struct file_tensors *tensors, const char *name, enum file_type type, uint64_t rows, uint64_t columns);
uint64_t file_tensor_values(const struct file_tensor *tensor);
uint64_t file_tensor_bytes(const struct file_tensor *tensor);

struct file_text {
    const char *key, *words;
};

/* --- writing --- */

/* A file that is known to the last byte but not written yet: its version can be told to others before it appears. */
struct file_draft;

/* letter begins the version. data [n_tensors] are borrowed for the draft's life, texts for the call (n_texts <= FILE_TEXTS_MAX).
 * STATUS_INVALID: a header beyond HEADER_MAX_BYTES; STATUS_NOMEM. */
enum status file_draft_create(char letter, const char *format, const struct file_text texts[], unsigned n_texts,
                              const struct file_tensors *tensors, const void *const data[], struct file_draft **out_draft,
                              struct error *error) MUST_CHECK;
void file_draft_destroy(struct file_draft *draft);
DEFINE_SCOPED(struct file_draft *, file_draft_destroy);

const char *file_draft_version(const struct file_draft *draft);

/* Write DIRECTORY/<version>.safetensors: temporary name, fsync, rename, fsync of the directory. If the file is there already and whole,
 * that is success: the name is a hash of the content. STATUS_IO: nothing is left behind. */
enum status file_draft_write(const struct file_draft *draft, const char *directory, struct error *error) MUST_CHECK;

/* --- reading: open, check, read every tensor in order, finish --- */

struct file_reader;

struct file_key {
    const char *key;
    bool may_be_missing;
};

/* Open, and check the header as far as all formats go: lengths, JSON, the format's name, the texts (those of keys [n_keys], no others) and
 * their checksum. STATUS_NOT_FOUND, STATUS_CORRUPT (damaged, truncated or foreign, with the reason), STATUS_NOMEM, STATUS_IO. */
enum status file_reader_open(const char *path, const char *format, const struct file_key keys[], unsigned n_keys,
                             struct file_reader **out_reader, struct error *error) MUST_CHECK;
void file_reader_close(struct file_reader *reader);
DEFINE_SCOPED(struct file_reader *, file_reader_close);

/* The words of keys[key], or NULL. Good as long as the reader is. */
const char *file_reader_text(const struct file_reader *reader, unsigned key);

/* How many values the one-sided tensor of that name has: what a format may leave open. STATUS_CORRUPT: not between least and most. */
enum status file_reader_count(const struct file_reader *reader, const char *name, uint64_t least, uint64_t most, uint64_t *out_n,
                              struct error *error) MUST_CHECK;

/* The file must hold exactly these tensors. STATUS_CORRUPT. */
enum status file_reader_check(struct file_reader *reader, const struct file_tensors *tensors, struct error *error) MUST_CHECK;

/* out = the next tensor's values, which must be finite. Same failures as file_reader_open. */
enum status file_reader_next(struct file_reader *reader, void *out, struct error *error) MUST_CHECK;

/* Behind the last tensor: is the checksum of the data right, and which version is this? */
enum status file_reader_finish(struct file_reader *reader, char letter, char out_version[FILE_VERSION_BYTES],
                               struct error *error) MUST_CHECK;

#endif
