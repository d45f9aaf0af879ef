/* A file is a list of pieces of memory, so that it can be hashed, hashed again with its header in front, and written, without a second copy
 * of the weights. It is written under a name with a dot in front, which nobody reads, and gets its own name when every byte is on disk. */
#include "core/model_file.h"

#include "core/base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECES_MAX (TENSORS_MAX + 4)

struct piece {
    const void *bytes;
    size_t n_bytes;
};

struct pieces {
    struct piece pieces[PIECES_MAX];
    unsigned n_pieces;
};

static void add_piece(struct pieces *pieces, const void *bytes, size_t n_bytes)
{
    pieces->pieces[pieces->n_pieces++] = (struct piece){bytes, n_bytes};
}

static void hash_pieces(const struct pieces *pieces, unsigned first, unsigned char out_hash[CHECKSUM_BYTES])
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, CHECKSUM_BYTES);
    for (unsigned i = first; i < pieces->n_pieces; i++)
        (void)crypto_generichash_update(&state, pieces->pieces[i].bytes, pieces->pieces[i].n_bytes);
    (void)crypto_generichash_final(&state, out_hash, CHECKSUM_BYTES);
}

void model_version_format(const unsigned char hash[CHECKSUM_BYTES], char out_version[MODEL_VERSION_BYTES])
{
    out_version[0] = 'm';
    sodium_bin2hex(out_version + 1, MODEL_VERSION_BYTES - 1, hash, (MODEL_VERSION_BYTES - 2) / 2);
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

static enum status write_pieces(int file, const struct pieces *pieces)
{
    for (unsigned i = 0; i < pieces->n_pieces; i++) {
        const char *bytes = pieces->pieces[i].bytes;
        for (size_t n = 0; n < pieces->pieces[i].n_bytes;) {
            ssize_t written = write(file, bytes + n, pieces->pieces[i].n_bytes - n);
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
static enum status accept_existing(const char *path, const char *version, struct error *error)
{
    struct model_content content = {0};
    struct error reason = {.detail = ""};
    enum status status = model_file_read(path, &content, &reason);
    bool same = status == STATUS_OK && strcmp(content.header.facts.version, version) == 0;
    model_content_clear(&content);
    if (same)
        return STATUS_OK;
    return fail(error, STATUS_IO, "%s is in the way and not what its name says (%.100s): remove it", path,
                reason.detail[0] ? reason.detail : "another version");
}

static enum status write_file(const char *directory, const char *version, const struct pieces *pieces, struct error *error)
{
    char path[4096], partial[4096];
    int n = snprintf(path, sizeof path, "%s/%s.safetensors", directory, version);
    int n_partial = snprintf(partial, sizeof partial, "%s/.%s.%ld.partial", directory, version, (long)getpid());
    if (n < 0 || n_partial < 0 || (size_t)n >= sizeof path || (size_t)n_partial >= sizeof partial)
        return fail(error, STATUS_INVALID, "the path of the directory is too long");
    (void)unlink(partial); /* of a dead process that had our number */
    int file = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (file < 0)
        return fail(error, STATUS_IO, "cannot create %s: %s", partial, strerror(errno));
    enum status status = write_pieces(file, pieces);
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
        return reason == EEXIST ? accept_existing(path, version, error)
                                : fail(error, STATUS_IO, "cannot name %s: %s", path, strerror(reason));
    }
    return sync_directory(directory, error);
}

struct model_draft {
    struct buffer header, vocabulary;
    int64_t *ends;         /* [V] of the vocabulary's ids */
    uint64_t header_bytes; /* little-endian in the file, as on every processor that this is built for */
    struct pieces pieces;
    char version[MODEL_VERSION_BYTES];
};

void model_draft_destroy(struct model_draft *draft)
{
    if (!draft)
        return;
    buffer_clear(&draft->header);
    buffer_clear(&draft->vocabulary);
    free(draft->ends);
    free(draft);
}

/* The pieces in their order, and the hashes that depend on them. */
static enum status fill_draft(struct model_draft *draft, const struct model_facts *facts, const struct tensors *tensors,
                              const float *weights, struct error *error)
{
    struct pieces *pieces = &draft->pieces;
    unsigned char hash[CHECKSUM_BYTES];
    pieces->n_pieces = 2; /* the header's length and the header come first when they are known */
    add_piece(pieces, draft->ends, facts->shape.n_items * sizeof *draft->ends);
    for (uint32_t t = 0; t < tensors->n_tensors; t++)
        add_piece(pieces, weights + tensors->tensors[t].first, tensor_floats(&tensors->tensors[t]) * sizeof(float));
    add_piece(pieces, draft->vocabulary.bytes, draft->vocabulary.n_bytes);
    hash_pieces(pieces, 2, hash);
    model_header_write(facts, tensors, draft->vocabulary.n_bytes, hash, &draft->header);
    TRY(buffer_finish(&draft->header, error));
    draft->header_bytes = draft->header.n_bytes;
    pieces->pieces[0] = (struct piece){&draft->header_bytes, sizeof draft->header_bytes};
    pieces->pieces[1] = (struct piece){draft->header.bytes, draft->header.n_bytes};
    hash_pieces(pieces, 0, hash);
    model_version_format(hash, draft->version);
    return STATUS_OK;
}

enum status model_draft_create(const struct model_facts *facts, const struct tensors *tensors, const float *weights,
                               const char *const item_ids[], struct model_draft **out_draft, struct error *error)
{
    uint32_t n_items = facts->shape.n_items;
    SCOPED(model_draft_destroy) struct model_draft *draft = calloc(1, sizeof *draft);
    if (!draft)
        return fail(error, STATUS_NOMEM, "no memory for a model file");
    buffer_init(&draft->header, HEADER_MAX_BYTES);
    buffer_init(&draft->vocabulary, (size_t)n_items * ID_MAX_BYTES);
    draft->ends = calloc(n_items, sizeof *draft->ends);
    if (!draft->ends || sodium_init() < 0)
        return fail(error, STATUS_NOMEM, "no memory for the vocabulary");
    TRY(join_vocabulary(item_ids, n_items, &draft->vocabulary, draft->ends, error));
    TRY(fill_draft(draft, facts, tensors, weights, error));
    *out_draft = draft;
    draft = NULL;
    return STATUS_OK;
}

const char *model_draft_version(const struct model_draft *draft)
{
    return draft->version;
}

enum status model_draft_write(const struct model_draft *draft, const char *directory, struct error *error)
{
    return write_file(directory, draft->version, &draft->pieces, error);
}

enum status model_file_write(const char *directory, const struct model_facts *facts, const struct tensors *tensors, const float *weights,
                             const char *const item_ids[], char out_version[MODEL_VERSION_BYTES], struct error *error)
{
    SCOPED(model_draft_destroy) struct model_draft *draft = NULL;
    TRY(model_draft_create(facts, tensors, weights, item_ids, &draft, error));
    TRY(model_draft_write(draft, directory, error));
    memcpy(out_version, draft->version, MODEL_VERSION_BYTES);
    return STATUS_OK;
}
