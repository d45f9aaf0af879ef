/* A pair of IDX files of any bytes, and the names of labels: one input is both files, the labels behind the first 0x00000801 in it. What is
 * accepted is of an allowed size and counts as the header says; whatever is refused is refused in words. */
#include "server/app/idx_reader.h"
#include "server/app/category_names.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

/* A file in memory, and its name; below 0: there is none. */
static int make_file(const uint8_t *bytes, size_t n_bytes, char path[64])
{
    int file = memfd_create("fuzz", MFD_CLOEXEC);
    (void)snprintf(path, 64, "/proc/self/fd/%d", file);
    if (file >= 0 && write(file, bytes, n_bytes) == (ssize_t)n_bytes)
        return file;
    if (file >= 0)
        (void)close(file);
    return -1;
}

static void read_pictures(const char *images, const char *labels)
{
    struct error error = {0};
    struct idx_reader *reader = NULL;
    uint64_t n = 0;
    bool has_picture = true;
    enum status status = idx_reader_open(images, labels, &reader, &error);
    while (status == STATUS_OK && has_picture && n < 1000) {
        struct picture picture = {0};
        uint8_t label = 0;
        struct idx_sizes sizes = idx_reader_sizes(reader);
        status = idx_reader_next(reader, &picture, &label, &has_picture, &error);
        if (status == STATUS_OK && has_picture) {
            assert(picture.height == sizes.height && picture.width == sizes.width && picture.channels == 1);
            assert(picture.pixels[(size_t)sizes.height * sizes.width - 1] <= 255);
            n++;
        } else if (status == STATUS_OK)
            assert(n == sizes.n);
        picture_clear(&picture);
    }
    assert(status == STATUS_OK || error.detail[0]);
    idx_reader_close(reader);
}

static void find_label(const char *labels)
{
    struct error error = {0};
    struct idx_label label = {0};
    bool is_found = false;
    if (idx_labels_find(labels, 2, &is_found, &label, &error) == STATUS_OK)
        assert(!is_found || label.label >= 2);
    else
        assert(error.detail[0]);
}

static void read_names(const char *path)
{
    struct error error = {0};
    struct category_names names;
    struct arena *arena = arena_create(4096, 1 << 20);
    if (category_names_read(path, 256, arena, &names, &error) == STATUS_OK)
        assert(names.n <= 256 && (names.n == 0 || names.names[names.n - 1][0]));
    else
        assert(error.detail[0]);
    arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    static const uint8_t magic[] = {0, 0, 8, 1};
    char images[64], labels[64];
    const uint8_t *second = n_bytes ? memmem(bytes, n_bytes, magic, sizeof magic) : NULL;
    size_t n_first = second ? (size_t)(second - bytes) : n_bytes;
    int first_file = make_file(bytes, n_first, images), second_file = make_file(bytes + n_first, n_bytes - n_first, labels);
    if (first_file >= 0 && second_file >= 0) {
        read_pictures(images, labels);
        find_label(labels);
        read_names(images);
    }
    if (first_file >= 0)
        (void)close(first_file);
    if (second_file >= 0)
        (void)close(second_file);
    return 0;
}
