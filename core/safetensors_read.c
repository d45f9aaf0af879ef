/* The file's length is compared with what its header says before memory is taken, so a header cannot ask for more than the file has. The
 * values are copied, not mapped: a mapping of a file that is cut short while it serves would end the process. */
#include "core/base/node.h"
#include "core/safetensors.h"
#include "core/safetensors_form.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file_reader {
    int file;
    const char *path; /* borrowed until the header is read, for the error's words */
    uint64_t file_bytes, header_bytes;
    struct node *header;
    const char *texts[FILE_TEXTS_MAX];
    char checksum[CHECKSUM_DIGITS + 1];
    crypto_generichash_state whole, data;
    bool in_data;
    struct file_tensors tensors;
    unsigned n_read; /* of the tensors */
};

void file_reader_close(struct file_reader *reader)
{
    if (!reader)
        return;
    if (reader->file >= 0)
        (void)close(reader->file);
    node_destroy(reader->header);
    free(reader);
}

static enum status read_bytes(struct file_reader *reader, void *out, size_t n_bytes, struct error *error)
{
    for (size_t n = 0; n < n_bytes;) {
        ssize_t got = read(reader->file, (char *)out + n, n_bytes - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(error, STATUS_IO, "cannot read %s: %s", reader->path, strerror(errno));
        if (got == 0)
            return fail(error, STATUS_CORRUPT, "truncated: %s ended while it was read", reader->path);
        n += (size_t)got;
    }
    (void)crypto_generichash_update(&reader->whole, out, n_bytes);
    if (reader->in_data)
        (void)crypto_generichash_update(&reader->data, out, n_bytes);
    return STATUS_OK;
}

static enum status parse_header(struct file_reader *reader, const char *bytes, size_t n_bytes, struct error *error)
{
    struct error reason = {.detail = ""};
    enum status status = node_parse(bytes, n_bytes, &reader->header, &reason);
    if (status == STATUS_NOMEM)
        return fail(error, status, "no memory to read the header");
    if (status != STATUS_OK)
        return fail(error, STATUS_CORRUPT, "damaged or foreign: the header is not JSON: %.160s", reason.detail);
    return STATUS_OK;
}

static enum status read_header(struct file_reader *reader, struct error *error)
{
    uint64_t length = 0;
    if (reader->file_bytes < sizeof length)
        return fail(error, STATUS_CORRUPT, "truncated: the file has %llu bytes, a model begins with 8",
                    (unsigned long long)reader->file_bytes);
    TRY(read_bytes(reader, &length, sizeof length, error));
    if (length > HEADER_MAX_BYTES || length < 2)
        return fail(error, STATUS_CORRUPT, "foreign: a header of %llu bytes, expected 2 to %u", (unsigned long long)length,
                    HEADER_MAX_BYTES);
    if (length > reader->file_bytes - sizeof length)
        return fail(error, STATUS_CORRUPT, "truncated: a header of %llu bytes in a file of %llu", (unsigned long long)length,
                    (unsigned long long)reader->file_bytes);
    SCOPED(memory_free) char *bytes = malloc(length);
    if (!bytes)
        return fail(error, STATUS_NOMEM, "no memory to read the header");
    TRY(read_bytes(reader, bytes, length, error));
    reader->header_bytes = sizeof length + length;
    return parse_header(reader, bytes, length, error);
}

/* --- the metadata --- */

static const char *text_of(const struct node *object, const char *key)
{
    const struct node *node = node_get(object, key);
    return node && node_kind(node) == NODE_TEXT ? node_text(node, NULL) : NULL;
}

#define METADATA_MEMBERS 3 /* format and two checksums, besides the texts */

static enum status check_metadata(struct file_reader *reader, const char *format, const struct file_key keys[], unsigned n_keys,
                                  struct error *error)
{
    const struct node *metadata = node_kind(reader->header) == NODE_OBJECT ? node_get(reader->header, "__metadata__") : NULL;
    bool is_object = metadata && node_kind(metadata) == NODE_OBJECT;
    const char *name = is_object ? text_of(metadata, "format") : NULL;
    char expected[CHECKSUM_DIGITS + 1];
    size_t n_members = METADATA_MEMBERS;
    if (!name || strcmp(name, format) != 0)
        return fail(error, STATUS_CORRUPT, "foreign: the header's format is not \"%s\"", format);
    for (unsigned i = 0; i < n_keys; i++) {
        reader->texts[i] = text_of(metadata, keys[i].key);
        if (!reader->texts[i] && (!keys[i].may_be_missing || node_get(metadata, keys[i].key)))
            return fail(error, STATUS_CORRUPT, "damaged: the header's %s are missing", keys[i].key);
        n_members += reader->texts[i] != NULL;
    }
    const char *digits = text_of(metadata, "facts_checksum"), *checksum = text_of(metadata, "checksum");
    texts_checksum(reader->texts, n_keys, expected);
    if (!digits || strcmp(digits, expected) != 0)
        return fail(error, STATUS_CORRUPT, "damaged: the checksum of the header's facts is wrong");
    if (!checksum || strlen(checksum) != CHECKSUM_DIGITS)
        return fail(error, STATUS_CORRUPT, "damaged: the header's checksum is not a text of %d digits", CHECKSUM_DIGITS);
    memcpy(reader->checksum, checksum, sizeof reader->checksum);
    if (node_count(metadata) != n_members)
        return fail(error, STATUS_CORRUPT, "foreign: the header's metadata have %zu members, expected %zu", node_count(metadata),
                    n_members);
    return STATUS_OK;
}

static enum status open_file(struct file_reader *reader, struct error *error)
{
    struct stat facts;
    reader->file = open(reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe in its place must not make us wait */
    if (reader->file < 0)
        return fail(error, errno == ENOENT || errno == ENOTDIR ? STATUS_NOT_FOUND : STATUS_IO, "cannot open %s: %s", reader->path,
                    strerror(errno));
    if (fstat(reader->file, &facts))
        return fail(error, STATUS_IO, "cannot read %s: %s", reader->path, strerror(errno));
    if (!S_ISREG(facts.st_mode))
        return fail(error, STATUS_CORRUPT, "foreign: %s is not a file", reader->path);
    reader->file_bytes = (uint64_t)facts.st_size;
    return STATUS_OK;
}

enum status file_reader_open(const char *path, const char *format, const struct file_key keys[], unsigned n_keys,
                             struct file_reader **out_reader, struct error *error)
{
    SCOPED(file_reader_close) struct file_reader *reader = calloc(1, sizeof *reader);
    if (!reader || sodium_init() < 0)
        return fail(error, STATUS_NOMEM, "no memory to read a model file");
    reader->file = -1;
    reader->path = path;
    (void)crypto_generichash_init(&reader->whole, NULL, 0, CHECKSUM_BYTES);
    (void)crypto_generichash_init(&reader->data, NULL, 0, CHECKSUM_BYTES);
    TRY(open_file(reader, error));
    TRY(read_header(reader, error));
    TRY(check_metadata(reader, format, keys, n_keys, error));
    *out_reader = reader;
    reader = NULL;
    return STATUS_OK;
}

const char *file_reader_text(const struct file_reader *reader, unsigned key)
{
    return reader->texts[key];
}

/* --- the tensors --- */

static bool is_integer(const struct node *node, uint64_t value)
{
    return node && node_kind(node) == NODE_INTEGER && node_integer(node) >= 0 && (uint64_t)node_integer(node) == value;
}

static bool has_sides(const struct node *shape, const struct file_tensor *tensor)
{
    bool right = shape && node_kind(shape) == NODE_ARRAY && node_count(shape) == tensor->n_sides;
    for (unsigned i = 0; right && i < tensor->n_sides; i++)
        right = is_integer(node_at(shape, i), tensor->sides[i]);
    return right;
}

static enum status wrong_shape(const struct file_tensor *tensor, struct error *error)
{
    char words[FILE_SIDES_MAX * 24] = "";
    size_t n = 0;
    for (unsigned i = 0; i < tensor->n_sides; i++)
        n += (size_t)snprintf(words + n, sizeof words - n, "%s%llu", i ? ", " : "", (unsigned long long)tensor->sides[i]);
    return fail(error, STATUS_CORRUPT, "damaged: tensor %s has another shape than [%s]", tensor->name, words);
}

/* Does the header's entry of that name say type, shape and exactly the bytes from *at on? */
static enum status check_tensor(const struct node *header, const struct file_tensor *tensor, uint64_t *at, struct error *error)
{
    const struct node *entry = node_get(header, tensor->name);
    uint64_t end = *at + file_tensor_bytes(tensor);
    if (!entry || node_kind(entry) != NODE_OBJECT)
        return fail(error, STATUS_CORRUPT, "damaged: the header's %s is not an object", tensor->name);
    const char *type = text_of(entry, "dtype");
    if (!type || strcmp(type, file_types[tensor->type].name) != 0)
        return fail(error, STATUS_CORRUPT, "damaged: tensor %s is of type %.8s, expected %s", tensor->name, type ? type : "none",
                    file_types[tensor->type].name);
    if (!has_sides(node_get(entry, "shape"), tensor))
        return wrong_shape(tensor, error);
    const struct node *offsets = node_get(entry, "data_offsets");
    if (!offsets || node_kind(offsets) != NODE_ARRAY || node_count(offsets) != 2 || !is_integer(node_at(offsets, 0), *at) ||
        !is_integer(node_at(offsets, 1), end))
        return fail(error, STATUS_CORRUPT, "damaged: tensor %s does not lie at bytes %llu to %llu of the data", tensor->name,
                    (unsigned long long)*at, (unsigned long long)end);
    *at = end;
    return STATUS_OK;
}

enum status file_reader_count(const struct file_reader *reader, const char *name, uint64_t least, uint64_t most, uint64_t *out_n,
                              struct error *error)
{
    const struct node *entry = node_get(reader->header, name);
    const struct node *shape = entry && node_kind(entry) == NODE_OBJECT ? node_get(entry, "shape") : NULL;
    const struct node *side = shape && node_kind(shape) == NODE_ARRAY && node_count(shape) == 1 ? node_at(shape, 0) : NULL;
    if (!side || node_kind(side) != NODE_INTEGER || node_integer(side) < (int64_t)least || node_integer(side) > (int64_t)most)
        return fail(error, STATUS_CORRUPT, "damaged: %s does not have from %llu to %llu values", name, (unsigned long long)least,
                    (unsigned long long)most);
    *out_n = (uint64_t)node_integer(side);
    return STATUS_OK;
}

enum status file_reader_check(struct file_reader *reader, const struct file_tensors *tensors, struct error *error)
{
    uint64_t at = 0;
    for (unsigned t = 0; t < tensors->n_tensors; t++)
        TRY(check_tensor(reader->header, &tensors->tensors[t], &at, error));
    if (node_count(reader->header) != tensors->n_tensors + 1)
        return fail(error, STATUS_CORRUPT, "foreign: the header has %zu entries, expected %u", node_count(reader->header),
                    tensors->n_tensors + 1);
    uint64_t expected = reader->header_bytes + at;
    if (reader->file_bytes != expected)
        return fail(error, STATUS_CORRUPT, "%s: the file has %llu bytes, its header says %llu",
                    reader->file_bytes < expected ? "truncated" : "damaged", (unsigned long long)reader->file_bytes,
                    (unsigned long long)expected);
    reader->tensors = *tensors;
    reader->in_data = true;
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

enum status file_reader_next(struct file_reader *reader, void *out, struct error *error)
{
    const struct file_tensor *tensor = &reader->tensors.tensors[reader->n_read++];
    TRY(read_bytes(reader, out, file_tensor_bytes(tensor), error));
    if (tensor->type == FILE_F32 && !all_finite(out, file_tensor_values(tensor)))
        return fail(error, STATUS_CORRUPT, "damaged: tensor %s holds a number that is not finite", tensor->name);
    return STATUS_OK;
}

enum status file_reader_finish(struct file_reader *reader, char letter, char out_version[FILE_VERSION_BYTES], struct error *error)
{
    unsigned char hash[CHECKSUM_BYTES];
    char digits[CHECKSUM_DIGITS + 1];
    (void)crypto_generichash_final(&reader->data, hash, sizeof hash);
    checksum_digits(hash, digits);
    if (strcmp(digits, reader->checksum) != 0)
        return fail(error, STATUS_CORRUPT, "damaged: the checksum of the data is not the header's");
    (void)crypto_generichash_final(&reader->whole, hash, sizeof hash);
    version_format(letter, hash, out_version);
    return STATUS_OK;
}
