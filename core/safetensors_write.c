/* A file is a list of pieces of memory, so that it can be hashed, hashed again with its header in front, and written, without a second copy
 * of the weights. It is written under a name with a dot in front, which nobody reads, and gets its own name when every byte is on disk. */
#include "core/base/emit.h"
#include "core/safetensors.h"
#include "core/safetensors_form.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECES_MAX (FILE_TENSORS_MAX + 2)

struct piece {
    const void *bytes;
    size_t n_bytes;
};

struct file_draft {
    struct buffer header;
    uint64_t header_bytes; /* little-endian in the file, as on every processor that this is built for */
    struct piece pieces[PIECES_MAX];
    unsigned n_pieces;
    char version[FILE_VERSION_BYTES];
};

void file_draft_destroy(struct file_draft *draft)
{
    if (!draft)
        return;
    buffer_clear(&draft->header);
    free(draft);
}

/* --- the header --- */

/* One entry of the header: where the tensor's data begins and ends. */
static void emit_tensor(struct emit *emit, const struct file_tensor *tensor, uint64_t *at)
{
    emit_open_object(emit, tensor->name);
    emit_text(emit, "dtype", file_types[tensor->type].name);
    emit_open_array(emit, "shape");
    for (unsigned i = 0; i < tensor->n_sides; i++)
        emit_integer(emit, NULL, (int64_t)tensor->sides[i]);
    emit_close_array(emit);
    emit_open_array(emit, "data_offsets");
    emit_integer(emit, NULL, (int64_t)*at);
    *at += file_tensor_bytes(tensor);
    emit_integer(emit, NULL, (int64_t)*at);
    emit_close_array(emit);
    emit_close_object(emit);
}

static void emit_metadata(struct emit *emit, const char *format, const struct file_text texts[], unsigned n_texts,
                          const unsigned char checksum[CHECKSUM_BYTES])
{
    char digits[CHECKSUM_DIGITS + 1];
    const char *words[FILE_TEXTS_MAX];
    for (unsigned i = 0; i < n_texts; i++)
        words[i] = texts[i].words;
    emit_open_object(emit, "__metadata__");
    emit_text(emit, "format", format);
    checksum_digits(checksum, digits);
    emit_text(emit, "checksum", digits);
    texts_checksum(words, n_texts, digits);
    emit_text(emit, "facts_checksum", digits);
    for (unsigned i = 0; i < n_texts; i++)
        emit_text(emit, texts[i].key, texts[i].words);
    emit_close_object(emit);
}

/* Padded with blanks to a multiple of 8. */
static enum status write_header(struct file_draft *draft, const char *format, const struct file_text texts[], unsigned n_texts,
                                const struct file_tensors *tensors, const unsigned char checksum[CHECKSUM_BYTES], struct error *error)
{
    struct emit emit;
    uint64_t at = 0;
    emit_init(&emit, &draft->header);
    emit_open_object(&emit, NULL);
    emit_metadata(&emit, format, texts, n_texts, checksum);
    for (unsigned t = 0; t < tensors->n_tensors; t++)
        emit_tensor(&emit, &tensors->tensors[t], &at);
    emit_close_object(&emit);
    while (!draft->header.failed && draft->header.n_bytes % 8)
        buffer_append(&draft->header, " ", 1);
    return buffer_finish(&draft->header, error);
}

/* --- the draft --- */

static void hash_pieces(const struct file_draft *draft, unsigned first, unsigned char out_hash[CHECKSUM_BYTES])
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, CHECKSUM_BYTES);
    for (unsigned i = first; i < draft->n_pieces; i++)
        (void)crypto_generichash_update(&state, draft->pieces[i].bytes, draft->pieces[i].n_bytes);
    (void)crypto_generichash_final(&state, out_hash, CHECKSUM_BYTES);
}

enum status file_draft_create(char letter, const char *format, const struct file_text texts[], unsigned n_texts,
                              const struct file_tensors *tensors, const void *const data[], struct file_draft **out_draft,
                              struct error *error)
{
    unsigned char hash[CHECKSUM_BYTES];
    SCOPED(file_draft_destroy) struct file_draft *draft = calloc(1, sizeof *draft);
    if (!draft || sodium_init() < 0)
        return fail(error, STATUS_NOMEM, "no memory for a model file");
    buffer_init(&draft->header, HEADER_MAX_BYTES);
    draft->n_pieces = 2; /* the header's length and the header come first when they are known */
    for (unsigned t = 0; t < tensors->n_tensors; t++)
        draft->pieces[draft->n_pieces++] = (struct piece){data[t], file_tensor_bytes(&tensors->tensors[t])};
    hash_pieces(draft, 2, hash);
    TRY(write_header(draft, format, texts, n_texts, tensors, hash, error));
    draft->header_bytes = draft->header.n_bytes;
    draft->pieces[0] = (struct piece){&draft->header_bytes, sizeof draft->header_bytes};
    draft->pieces[1] = (struct piece){draft->header.bytes, draft->header.n_bytes};
    hash_pieces(draft, 0, hash);
    version_format(letter, hash, draft->version);
    *out_draft = draft;
    draft = NULL;
    return STATUS_OK;
}

const char *file_draft_version(const struct file_draft *draft)
{
    return draft->version;
}

/* --- the file --- */

static enum status write_pieces(int file, const struct file_draft *draft)
{
    for (unsigned i = 0; i < draft->n_pieces; i++) {
        const char *bytes = draft->pieces[i].bytes;
        for (size_t n = 0; n < draft->pieces[i].n_bytes;) {
            ssize_t written = write(file, bytes + n, draft->pieces[i].n_bytes - n);
            if (written < 0 && errno == EINTR)
                continue;
            if (written <= 0)
                return STATUS_IO;
            n += (size_t)written;
        }
    }
    return fsync(file) ? STATUS_IO : STATUS_OK;
}

/* Give the file its name unless that exists. A file system without RENAME_NOREPLACE has hard links. Sets errno. */
static bool rename_file(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    if (link(from, to))
        return false;
    (void)unlink(from);
    return true;
}

static enum status sync_directory(const char *directory, struct error *error)
{
    int file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return fail(error, STATUS_IO, "cannot open %s: %s", directory, strerror(errno));
    int failed = fsync(file) ? errno : 0;
    (void)close(file);
    return failed ? fail(error, STATUS_IO, "cannot sync %s: %s", directory, strerror(failed)) : STATUS_OK;
}

/* The name is taken. By the same content, as it is a hash? */
static enum status accept_existing(const char *path, const struct file_draft *draft, struct error *error)
{
    unsigned char hash[CHECKSUM_BYTES];
    char version[FILE_VERSION_BYTES] = "";
    if (file_hash(path, hash))
        version_format(draft->version[0], hash, version);
    if (strcmp(version, draft->version) == 0)
        return STATUS_OK;
    return fail(error, STATUS_IO, "%s is in the way and not what its name says: remove it", path);
}

enum status file_draft_write(const struct file_draft *draft, const char *directory, struct error *error)
{
    char path[4096], partial[4096];
    int n = snprintf(path, sizeof path, "%s/%s.safetensors", directory, draft->version);
    int n_partial = snprintf(partial, sizeof partial, "%s/.%s.%ld.partial", directory, draft->version, (long)getpid());
    if (n < 0 || n_partial < 0 || (size_t)n >= sizeof path || (size_t)n_partial >= sizeof partial)
        return fail(error, STATUS_INVALID, "the path of the directory is too long");
    (void)unlink(partial); /* of a dead process that had our number */
    int file = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (file < 0)
        return fail(error, STATUS_IO, "cannot create %s: %s", partial, strerror(errno));
    enum status status = write_pieces(file, draft);
    int reason = errno;
    if (close(file) && status == STATUS_OK) {
        status = STATUS_IO;
        reason = errno;
    }
    if (status != STATUS_OK) {
        (void)unlink(partial);
        return fail(error, STATUS_IO, "cannot write %s: %s", partial, strerror(reason));
    }
    if (!rename_file(partial, path)) {
        reason = errno;
        (void)unlink(partial);
        return reason == EEXIST ? accept_existing(path, draft, error)
                                : fail(error, STATUS_IO, "cannot name %s: %s", path, strerror(reason));
    }
    return sync_directory(directory, error);
}
