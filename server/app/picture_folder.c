/* The names are read whole and sorted; files are opened when their turn comes, relative to the folder that was opened first. */
#include "server/app/picture_folder.h"

#include "server/pictures/picture.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* The bytes of name before its ending; 0: it is not called like a picture. */
static size_t stem_bytes(const char *name)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".webp"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return (size_t)(dot - name);
    return 0;
}

/* --- the list --- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* capacity is that of names. */
static enum status add_name(struct picture_folder *folder, size_t *capacity, const char *name)
{
    if (folder->n_names == *capacity) {
        size_t more = *capacity ? 2 * *capacity : 64;
        char **grown = realloc(folder->names, more * sizeof *grown);
        if (!grown)
            return STATUS_NOMEM;
        folder->names = grown;
        *capacity = more;
    }
    folder->names[folder->n_names] = strdup(name);
    if (!folder->names[folder->n_names])
        return STATUS_NOMEM;
    folder->n_names++;
    return STATUS_OK;
}

static enum status list_names(struct picture_folder *folder, DIR *list, struct error *error)
{
    size_t capacity = 0;
    for (struct dirent *entry;;) {
        errno = 0;
        entry = readdir(list);
        if (!entry && errno)
            return fail(error, STATUS_IO, "cannot be read: %s", strerror(errno));
        if (!entry)
            break;
        if (stem_bytes(entry->d_name) > 0 && add_name(folder, &capacity, entry->d_name) != STATUS_OK)
            return fail(error, STATUS_NOMEM, "no memory for the names of its files");
    }
    if (folder->n_names > 1)
        qsort(folder->names, folder->n_names, sizeof *folder->names, compare_names);
    return STATUS_OK;
}

enum status picture_folder_open(const char *path, struct picture_folder *out_folder, struct error *error)
{
    DIR *list = opendir(path);
    if (!list)
        return fail(error, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "cannot be opened: %s", strerror(errno));
    SCOPED(picture_folder_close) struct picture_folder folder = {.directory = -1, .bytes = malloc(PICTURE_BYTES_MAX)};
    enum status status = folder.bytes ? list_names(&folder, list, error) : fail(error, STATUS_NOMEM, "no memory for a picture's file");
    if (status == STATUS_OK) {
        folder.directory = fcntl(dirfd(list), F_DUPFD_CLOEXEC, 0);
        if (folder.directory < 0)
            status = fail(error, STATUS_IO, "cannot be kept open: %s", strerror(errno));
    }
    (void)closedir(list);
    TRY(status);
    *out_folder = folder;
    folder = (struct picture_folder){.directory = -1};
    return STATUS_OK;
}

void picture_folder_close(struct picture_folder *folder)
{
    if (folder->bytes && folder->directory >= 0)
        (void)close(folder->directory);
    for (size_t i = 0; i < folder->n_names; i++)
        free(folder->names[i]);
    free(folder->names);
    free(folder->bytes);
    *folder = (struct picture_folder){.directory = -1};
}

/* --- a file --- */

static enum status read_file(int file, size_t max_bytes, uint8_t *bytes, size_t *out_n, struct error *error)
{
    struct stat facts;
    size_t n = 0;
    if (fstat(file, &facts))
        return fail(error, STATUS_IO, "cannot be looked at: %s", strerror(errno));
    if (!S_ISREG(facts.st_mode))
        return fail(error, STATUS_NOT_FOUND, "is no regular file");
    if (facts.st_size > (off_t)max_bytes)
        return fail(error, STATUS_LIMIT, "the picture has %lld bytes; at most %zu are allowed", (long long)facts.st_size, max_bytes);
    while (n < max_bytes) {
        ssize_t n_now = read(file, bytes + n, max_bytes - n);
        if (n_now < 0 && errno == EINTR)
            continue;
        if (n_now < 0)
            return fail(error, STATUS_IO, "cannot be read: %s", strerror(errno));
        if (n_now == 0)
            break;
        n += (size_t)n_now;
    }
    *out_n = n;
    return STATUS_OK;
}

enum status picture_folder_read(struct picture_folder *folder, size_t i, size_t max_bytes, const uint8_t **out_bytes, size_t *out_n_bytes,
                                struct error *error)
{
    assert(max_bytes <= PICTURE_BYTES_MAX);
    int file = openat(folder->directory, folder->names[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* it may be a pipe */
    if (file < 0)
        return fail(error, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "cannot be opened: %s", strerror(errno));
    enum status status = read_file(file, max_bytes, folder->bytes, out_n_bytes, error);
    (void)close(file);
    TRY(status);
    *out_bytes = folder->bytes;
    return STATUS_OK;
}

/* --- its id --- */

/* 0 to 15, or -1. */
static int digit_value(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = digit ? strchr(digits, digit) : NULL;
    return found ? (int)(found - digits) % 16 : -1;
}

enum status picture_folder_id(const char *name, char out_id[ID_MAX_BYTES + 1], struct error *error)
{
    char id[ID_MAX_BYTES + 1];
    size_t n_stem = stem_bytes(name), n = 0;
    for (size_t at = 0; at < n_stem && n <= ID_MAX_BYTES; n++) {
        if (name[at] != '%') {
            id[n] = name[at++];
            continue;
        }
        int high = digit_value(name[at + 1]), low = high < 0 ? -1 : digit_value(name[at + 2]);
        if (low < 0)
            return fail(error, STATUS_INVALID,
                        "its name is no item's id: expected two hexadecimal digits behind '%%' (a '%%' itself is %%25)");
        id[n] = (char)(16 * high + low);
        at += 3;
    }
    if (n > ID_MAX_BYTES || !utf8_is_id(id, n))
        return fail(error, STATUS_INVALID, "its name is no item's id: expected 1 to %d bytes of UTF-8 without control characters",
                    ID_MAX_BYTES);
    memcpy(out_id, id, n);
    out_id[n] = '\0';
    return STATUS_OK;
}
