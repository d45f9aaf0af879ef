/* Two streams that are read in step: a picture's bytes from one, its label's byte from the other. Nothing is allocated by what a header
 * says but one picture, whose size was looked at. */
#include "server/app/idx_reader.h"

#include "server/app/input_stream.h"

#include <stdlib.h>
#include <sys/stat.h>

#define MAGIC_IMAGES 0x00000803u /* unsigned bytes in three dimensions */
#define MAGIC_LABELS 0x00000801u /* and in one */

struct idx_file {
    const char *path;
    struct input_stream *stream;
};

struct idx_reader {
    struct idx_file images, labels;
    struct idx_sizes sizes;
    uint32_t n_read;
};

/* Up to n bytes; fewer only at the end of the file. */
static enum status read_up_to(struct idx_file *file, uint8_t *bytes, size_t n, size_t *out_n, struct error *error)
{
    struct error reason = {0};
    size_t sum = 0, n_now = 1;
    while (sum < n && n_now > 0) {
        enum status status = input_stream_read(file->stream, (char *)bytes + sum, n - sum, &n_now, &reason);
        if (status != STATUS_OK)
            return fail(error, status, "%.100s: %.150s", file->path, reason.detail);
        sum += n_now;
    }
    *out_n = sum;
    return STATUS_OK;
}

/* n_sizes numbers behind the magic number. what: "IDX file of pictures" */
static enum status read_header(struct idx_file *file, uint32_t magic, const char *what, uint32_t n_sizes, uint32_t *sizes,
                               struct error *error)
{
    uint8_t bytes[16];
    uint32_t numbers[4] = {0};
    size_t n_wanted = 4 * ((size_t)n_sizes + 1), n = 0;
    TRY(read_up_to(file, bytes, n_wanted, &n, error));
    for (size_t i = 0; i < n / 4; i++)
        numbers[i] = (uint32_t)bytes[4 * i] << 24 | (uint32_t)bytes[4 * i + 1] << 16 | (uint32_t)bytes[4 * i + 2] << 8 | bytes[4 * i + 3];
    if (n < 4)
        return fail(error, STATUS_INVALID, "%.100s: %s; expected an %s, which begins with 0x%08x", file->path,
                    n ? "has less than 4 bytes" : "is empty", what, magic);
    if (numbers[0] != magic)
        return fail(error, STATUS_INVALID, "%.100s: expected an %s, which begins with 0x%08x; this begins with 0x%08x", file->path, what,
                    magic, numbers[0]);
    if (n < n_wanted)
        return fail(error, STATUS_CORRUPT, "%.100s: ends within its header: expected %zu bytes, got %zu", file->path, n_wanted, n);
    for (uint32_t i = 0; i < n_sizes; i++)
        sizes[i] = numbers[i + 1];
    return STATUS_OK;
}

static enum status read_headers(struct idx_reader *reader, struct error *error)
{
    uint32_t sizes[3] = {0}, n_labels = 0;
    TRY(read_header(&reader->images, MAGIC_IMAGES, "IDX file of pictures", 3, sizes, error));
    TRY(read_header(&reader->labels, MAGIC_LABELS, "IDX file of labels", 1, &n_labels, error));
    struct idx_sizes found = {.n = sizes[0], .height = sizes[1], .width = sizes[2]};
    if (found.height == 0 || found.width == 0 || found.height > PICTURE_SIDE_MAX || found.width > PICTURE_SIDE_MAX ||
        (uint64_t)found.height * found.width > PICTURE_PIXELS_MAX)
        return fail(error, STATUS_INVALID, "%.100s: pictures of %u x %u pixels; expected 1 to %u a side and at most %u in all",
                    reader->images.path, found.width, found.height, PICTURE_SIDE_MAX, PICTURE_PIXELS_MAX);
    if (n_labels != found.n)
        return fail(error, STATUS_INVALID, "%.100s: %u labels; expected %u, as many as there are pictures in %.80s", reader->labels.path,
                    n_labels, found.n, reader->images.path);
    reader->sizes = found;
    return STATUS_OK;
}

static enum status open_file(struct idx_file *file, const char *path, struct error *error)
{
    struct error reason = {0};
    file->path = path;
    enum status status = input_stream_open(path, &file->stream, &reason);
    return status == STATUS_OK ? STATUS_OK : fail(error, status, "%.100s: %.150s", path, reason.detail);
}

enum status idx_reader_open(const char *images, const char *labels, struct idx_reader **out_reader, struct error *error)
{
    SCOPED(idx_reader_close) struct idx_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return fail(error, STATUS_NOMEM, "no memory to read %.100s", images);
    TRY(open_file(&reader->images, images, error));
    TRY(open_file(&reader->labels, labels, error));
    TRY(read_headers(reader, error));
    *out_reader = reader;
    reader = NULL;
    return STATUS_OK;
}

void idx_reader_close(struct idx_reader *reader)
{
    if (!reader)
        return;
    input_stream_close(reader->images.stream);
    input_stream_close(reader->labels.stream);
    free(reader);
}

struct idx_sizes idx_reader_sizes(const struct idx_reader *reader)
{
    return reader->sizes;
}

/* The bytes of entry number n_read, a picture or a label. */
static enum status read_entry(struct idx_reader *reader, struct idx_file *file, const char *what, uint8_t *bytes, size_t n_bytes,
                              struct error *error)
{
    size_t n = 0;
    TRY(read_up_to(file, bytes, n_bytes, &n, error));
    if (n < n_bytes)
        return fail(error, STATUS_CORRUPT, "%.100s: ends in the middle: expected %u %ss of %zu byte%s, got %u", file->path, reader->sizes.n,
                    what, n_bytes, n_bytes == 1 ? "" : "s", reader->n_read);
    return STATUS_OK;
}

static enum status expect_end(struct idx_reader *reader, struct idx_file *file, const char *what, struct error *error)
{
    uint8_t byte;
    size_t n = 0;
    TRY(read_up_to(file, &byte, 1, &n, error));
    if (n > 0)
        return fail(error, STATUS_INVALID, "%.100s: goes on behind its %u %ss; expected its end there", file->path, reader->sizes.n, what);
    return STATUS_OK;
}

enum status idx_reader_next(struct idx_reader *reader, struct picture *out_picture, uint8_t *out_label, bool *out_has_picture,
                            struct error *error)
{
    if (reader->n_read == reader->sizes.n) {
        TRY(expect_end(reader, &reader->images, "picture", error));
        TRY(expect_end(reader, &reader->labels, "label", error));
        *out_has_picture = false;
        return STATUS_OK;
    }
    uint8_t label = 0;
    size_t n_pixels = (size_t)reader->sizes.height * reader->sizes.width;
    SCOPED(picture_clear) struct picture picture = {reader->sizes.width, reader->sizes.height, 1, malloc(n_pixels)};
    if (!picture.pixels)
        return fail(error, STATUS_NOMEM, "%.100s: no memory for a picture of %zu bytes", reader->images.path, n_pixels);
    TRY(read_entry(reader, &reader->images, "picture", picture.pixels, n_pixels, error));
    TRY(read_entry(reader, &reader->labels, "label", &label, 1, error));
    reader->n_read++;
    *out_picture = picture;
    *out_label = label;
    *out_has_picture = true;
    picture.pixels = NULL;
    return STATUS_OK;
}

/* --- labels alone --- */

/* Byte by byte, as idx_reader_next will: so of a damaged file both see the same labels. */
static enum status find_label(struct idx_file *file, uint32_t least, bool *out_is_found, struct idx_label *out_label, struct error *error)
{
    struct idx_label found = {0};
    uint32_t n_labels = 0;
    TRY(read_header(file, MAGIC_LABELS, "IDX file of labels", 1, &n_labels, error));
    for (; found.at < n_labels; found.at++) {
        size_t n = 0;
        enum status status = read_up_to(file, &found.label, 1, &n, error);
        if (status == STATUS_CORRUPT || (status == STATUS_OK && n == 0))
            break;
        TRY(status);
        if (found.label >= least) {
            *out_label = found;
            *out_is_found = true;
            return STATUS_OK;
        }
    }
    *out_is_found = false;
    return STATUS_OK;
}

enum status idx_labels_find(const char *labels, uint32_t least, bool *out_is_found, struct idx_label *out_label, struct error *error)
{
    struct idx_file file;
    struct stat facts;
    if (stat(labels, &facts) == 0 && !S_ISREG(facts.st_mode))
        return fail(error, STATUS_INVALID, "%.100s: expected a regular file, since labels that have names are read twice", labels);
    TRY(open_file(&file, labels, error));
    enum status status = find_label(&file, least, out_is_found, out_label, error);
    input_stream_close(file.stream);
    return status;
}
