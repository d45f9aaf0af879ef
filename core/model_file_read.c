/* The file's length is compared with what its header says before memory is taken, so a header cannot ask for more than the file has. The
 * weights are copied, not mapped: a mapping of a file that is cut short while it serves would end the process. */
#include "core/model_file.h"

#include "core/base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void model_content_clear(struct model_content *content)
{
    free(content->weights);
    names_destroy(content->names);
    model_header_clear(&content->header);
    *content = (struct model_content){0};
}

/* A file that is read from front to end, and the hashes of it and of its data. */
struct reading {
    int file;
    const char *path;
    crypto_generichash_state whole, data;
    bool in_data;
};

static enum status read_bytes(struct reading *reading, void *out, size_t n_bytes, struct error *error)
{
    for (size_t n = 0; n < n_bytes;) {
        ssize_t got = read(reading->file, (char *)out + n, n_bytes - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(error, STATUS_IO, "cannot read %s: %s", reading->path, strerror(errno));
        if (got == 0)
            return fail(error, STATUS_CORRUPT, "truncated: %s ended while it was read", reading->path);
        n += (size_t)got;
    }
    (void)crypto_generichash_update(&reading->whole, out, n_bytes);
    if (reading->in_data)
        (void)crypto_generichash_update(&reading->data, out, n_bytes);
    return STATUS_OK;
}

static enum status read_header(struct reading *reading, uint64_t file_bytes, struct model_content *content, struct error *error)
{
    uint64_t length = 0;
    if (file_bytes < sizeof length)
        return fail(error, STATUS_CORRUPT, "truncated: the file has %llu bytes, a model begins with 8", (unsigned long long)file_bytes);
    TRY(read_bytes(reading, &length, sizeof length, error));
    if (length > HEADER_MAX_BYTES || length < 2)
        return fail(error, STATUS_CORRUPT, "foreign: a header of %llu bytes, expected 2 to %u", (unsigned long long)length,
                    HEADER_MAX_BYTES);
    if (length > file_bytes - sizeof length)
        return fail(error, STATUS_CORRUPT, "truncated: a header of %llu bytes in a file of %llu", (unsigned long long)length,
                    (unsigned long long)file_bytes);
    SCOPED(memory_free) char *bytes = malloc(length);
    if (!bytes)
        return fail(error, STATUS_NOMEM, "no memory to read the header");
    TRY(read_bytes(reading, bytes, length, error));
    TRY(model_header_read(bytes, length, &content->header, &content->tensors, error));
    uint64_t expected = sizeof length + length + content->header.data_bytes;
    if (file_bytes != expected)
        return fail(error, STATUS_CORRUPT, "%s: the file has %llu bytes, its header says %llu",
                    file_bytes < expected ? "truncated" : "damaged", (unsigned long long)file_bytes, (unsigned long long)expected);
    return STATUS_OK;
}

static bool all_finite(const float values[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        if ((bits & 0x7f800000u) == 0x7f800000u)
            return false;
    }
    return true;
}

static enum status read_weights(struct reading *reading, struct model_content *content, struct error *error)
{
    size_t n_bytes = (content->tensors.n_floats * sizeof(float) + 63) / 64 * 64;
    content->weights = aligned_alloc(64, n_bytes);
    if (!content->weights)
        return fail(error, STATUS_NOMEM, "no memory for a model of %zu bytes", n_bytes);
    memset(content->weights, 0, n_bytes);
    for (uint32_t t = 0; t < content->tensors.n_tensors; t++) {
        const struct tensor *tensor = &content->tensors.tensors[t];
        float *values = content->weights + tensor->first;
        TRY(read_bytes(reading, values, tensor_floats(tensor) * sizeof *values, error));
        if (!all_finite(values, tensor_floats(tensor)))
            return fail(error, STATUS_CORRUPT, "damaged: tensor %s holds a number that is not finite", tensor->name);
    }
    return STATUS_OK;
}

static enum status check_vocabulary(const int64_t ends[], const char bytes[], struct model_content *content, struct error *error)
{
    uint32_t n_items = content->header.facts.shape.n_items;
    int64_t at = 0;
    content->names = names_create();
    if (!content->names)
        return fail(error, STATUS_NOMEM, "no memory for the vocabulary");
    for (uint32_t i = 0; i < n_items; i++) {
        char id[ID_MAX_BYTES + 1];
        uint32_t number = 0;
        if (ends[i] <= at || ends[i] - at > ID_MAX_BYTES || ends[i] > (int64_t)content->header.vocabulary_bytes ||
            !utf8_is_id(bytes + at, (size_t)(ends[i] - at)))
            return fail(error, STATUS_CORRUPT, "damaged: item %u of the vocabulary has no valid id", i);
        memcpy(id, bytes + at, (size_t)(ends[i] - at));
        id[ends[i] - at] = '\0';
        if (names_add(content->names, id, &number) != STATUS_OK)
            return fail(error, STATUS_NOMEM, "no memory for the vocabulary");
        if (number != i)
            return fail(error, STATUS_CORRUPT, "damaged: items %u and %u of the vocabulary have the same id", number, i);
        at = ends[i];
    }
    if (at != (int64_t)content->header.vocabulary_bytes)
        return fail(error, STATUS_CORRUPT, "damaged: the vocabulary's last id ends at byte %lld of %llu", (long long)at,
                    (unsigned long long)content->header.vocabulary_bytes);
    return STATUS_OK;
}

static enum status read_data(struct reading *reading, struct model_content *content, struct error *error)
{
    uint32_t n_items = content->header.facts.shape.n_items;
    SCOPED(memory_free) int64_t *ends = calloc(n_items, sizeof *ends);
    SCOPED(memory_free) char *bytes = malloc(content->header.vocabulary_bytes);
    if (!ends || !bytes)
        return fail(error, STATUS_NOMEM, "no memory for the vocabulary");
    reading->in_data = true;
    TRY(read_bytes(reading, ends, n_items * sizeof *ends, error));
    TRY(read_weights(reading, content, error));
    TRY(read_bytes(reading, bytes, content->header.vocabulary_bytes, error));
    unsigned char hash[CHECKSUM_BYTES];
    (void)crypto_generichash_final(&reading->data, hash, sizeof hash);
    char digits[2 * CHECKSUM_BYTES + 1];
    sodium_bin2hex(digits, sizeof digits, hash, sizeof hash);
    if (strcmp(digits, content->header.checksum) != 0)
        return fail(error, STATUS_CORRUPT, "damaged: the checksum of the data is not the header's");
    return check_vocabulary(ends, bytes, content, error);
}

static enum status read_file(struct reading *reading, struct model_content *content, struct error *error)
{
    struct stat facts;
    if (fstat(reading->file, &facts))
        return fail(error, STATUS_IO, "cannot read %s: %s", reading->path, strerror(errno));
    if (!S_ISREG(facts.st_mode))
        return fail(error, STATUS_CORRUPT, "foreign: %s is not a file", reading->path);
    (void)crypto_generichash_init(&reading->whole, NULL, 0, CHECKSUM_BYTES);
    (void)crypto_generichash_init(&reading->data, NULL, 0, CHECKSUM_BYTES);
    TRY(read_header(reading, (uint64_t)facts.st_size, content, error));
    TRY(read_data(reading, content, error));
    unsigned char hash[CHECKSUM_BYTES];
    (void)crypto_generichash_final(&reading->whole, hash, sizeof hash);
    model_version_format(hash, content->header.facts.version);
    return STATUS_OK;
}

enum status model_file_read(const char *path, struct model_content *content, struct error *error)
{
    if (sodium_init() < 0)
        return fail(error, STATUS_IO, "cannot start libsodium");
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe in its place must not make us wait */
    if (file < 0)
        return fail(error, errno == ENOENT || errno == ENOTDIR ? STATUS_NOT_FOUND : STATUS_IO, "cannot open %s: %s", path, strerror(errno));
    struct reading reading = {.file = file, .path = path};
    enum status status = read_file(&reading, content, error);
    (void)close(file);
    return status;
}
